"""Payload indexes: from Qdrant's `field_schema` to the engine's parameters."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.errors import BadBody, BadRequest, from_engine
from vectorwatch.demo.engine.fields import Fields, require

_PARAMETERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "keyword": (edge.KeywordIndexParams, ("is_tenant", "prefix")),
    "integer": (edge.IntegerIndexParams, ("lookup", "range", "is_principal")),
    "float": (edge.FloatIndexParams, ("is_principal",)),
    "geo": (edge.GeoIndexParams, ()),
    "bool": (edge.BoolIndexParams, ()),
    "datetime": (edge.DatetimeIndexParams, ("is_principal",)),
    "uuid": (edge.UuidIndexParams, ("is_tenant",)),
    "text": (edge.TextIndexParams, ("lowercase", "ascii_folding", "phrase_matching")),
}
_TEXT_SIZES = ("min_token_len", "max_token_len")
_NOT_OFFERED = ("stopwords", "stemmer", "scoring")


@from_engine
def read_index(schema: Any) -> Any:
    """Return the engine's index parameters for a `field_schema`, a name or an object. Raises BadBody."""
    if isinstance(schema, str):
        return _find_kind(schema)[0]()
    fields = Fields(schema, "field_schema")
    kind = require(fields.text("type"), "type")
    build, flags = _find_kind(kind)
    for name in _NOT_OFFERED:
        if name in fields:
            raise BadRequest(f"field_schema: {name} is not offered by the embedded engine")
    values: dict[str, Any] = {name: fields.flag(name) for name in (*flags, "on_disk", "enable_hnsw")}
    if kind == "text":
        values |= {name: fields.integer(name) for name in _TEXT_SIZES}
        tokenizer = fields.text("tokenizer")
        values["tokenizer"] = None if tokenizer is None else _find_tokenizer(tokenizer)
    return build(**values)


def describe_index(information: edge.PayloadIndexInfo, schema: Any) -> dict[str, Any]:
    """Return one entry of `payload_schema`: kind and points from the engine, parameters as given."""
    kind = str(information.data_type).rpartition(".")[2].lower()
    described = {"data_type": kind, "points": information.points}
    return described | {"params": schema} if isinstance(schema, dict) else described


def _find_kind(name: str) -> tuple[Any, tuple[str, ...]]:
    if name not in _PARAMETERS:
        raise BadBody(f"unknown variant `{name}`, expected one of {', '.join(_PARAMETERS)}")
    return _PARAMETERS[name]


def _find_tokenizer(name: str) -> Any:
    found = getattr(edge.TokenizerType, name.capitalize(), None)
    if found is None:
        raise BadBody(f"unknown variant `{name}`, expected one of prefix, whitespace, word, multilingual")
    return found

"""The mapping of the log streams, and whether Elasticsearch would take a document.

The check is stricter than the server, which ignores a malformed number, date or address: no value may be of
another type than its field, and no field may stand outside of the mapping.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from tests.logs.pipeline.model import ROOT

PATH = ROOT / "elasticsearch" / "component-templates" / "vectorwatch-logs-mappings.json"
MOST_BYTES = 3_000_000
MOST_TERM_BYTES = 32_766
"""Lucene takes no longer term."""

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def read_fields() -> dict[str, dict[str, Any]]:
    """Return each field of the mapping by its dotted name."""
    return dict(_flatten(json.loads(PATH.read_text())["template"]["mappings"]["properties"], ""))


def _flatten(properties: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in properties.items():
        if "properties" in field:
            yield from _flatten(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name, field


FIELDS = read_fields()


def find_faults(document: dict[str, Any]) -> list[str]:
    """Return what of a document Elasticsearch would refuse or leave unindexed; empty when all is well."""
    text = json.dumps(document)
    faults = [f"{len(text)} bytes"] if len(text) > MOST_BYTES else []
    return faults + list(_find(document, ""))


def _find(value: Any, path: str) -> Iterator[str]:
    field = FIELDS.get(path)
    if field is None:
        if not isinstance(value, dict):
            yield f"{path}: not in the mapping"
            return
        for name, inner in value.items():
            yield from _find(inner, f"{path}.{name}" if path else name)
    elif field["type"] == "flattened":
        yield from _find_in_flattened(value, path)
    else:
        for item in value if isinstance(value, list) else [value]:
            if not _fits(field, item):
                yield f"{path}: {field['type']} does not take {item!r:.80}"


def _find_in_flattened(value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: flattened takes an object, not {value!r:.80}"
        return
    for name, inner in value.items():
        if not name or "\0" in name:
            yield f"{path}: no name of a field: {name!r}"
        if len(name.encode()) > MOST_TERM_BYTES // 2:
            yield f"{path}: a name of {len(name)} characters"
        if isinstance(inner, dict) or (
            isinstance(inner, list) and any(isinstance(i, list | dict) for i in inner)
        ):
            yield f"{path}.{name}: nested"
        if isinstance(inner, float) and not math.isfinite(inner):
            yield f"{path}.{name}: {inner}"


def _fits(field: dict[str, Any], value: Any) -> bool:
    kind = field["type"]
    if kind in ("keyword", "wildcard", "match_only_text", "constant_keyword"):
        return isinstance(value, str) and len(value) <= field.get("ignore_above", 100_000)
    if kind == "long":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 3.5e38
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "date":
        return isinstance(value, str) and bool(_DATE.fullmatch(value))
    assert kind == "ip", f"the check does not know the type {kind}"
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True

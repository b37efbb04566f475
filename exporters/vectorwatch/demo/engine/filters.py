"""Payload filters: Qdrant's JSON to the engine's objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import qdrant_edge as edge

from vectorwatch.demo.engine.errors import BadBody, from_engine
from vectorwatch.demo.engine.fields import Fields, require

PointId = int | UUID | str


@from_engine
def read_filter(value: Any) -> edge.Filter | None:
    """Return the filter that `value` (an object or None) writes. Raises BadBody."""
    return None if value is None else _read_clauses(Fields(value, "filter"))


def count_conditions(value: Any) -> int:
    """Return how many conditions a filter holds, the cost that Qdrant's rate limiter adds for it."""
    if not isinstance(value, dict):
        return 0
    clauses = [value.get(name) for name in ("must", "should", "must_not")]
    conditions = [
        one for clause in clauses if clause for one in (clause if isinstance(clause, list) else [clause])
    ]
    return sum(count_conditions(one) or 1 for one in conditions)


def read_point_id(value: Any) -> PointId:
    """Return a point id: an unsigned integer or a UUID as text. Raises BadBody."""
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
        raise BadBody(
            f"value {value!r} is not a valid point ID, valid values are either an unsigned integer or a UUID"
        )
    return value


def _read_clauses(fields: Fields) -> edge.Filter:
    clauses = {
        name: None if conditions is None else [_read_condition(one) for one in conditions]
        for name in ("must", "should", "must_not")
        for conditions in [fields.one_or_many(name)]
    }
    return edge.Filter(**clauses, min_should=_read_min_should(fields.fields("min_should")))


def _read_min_should(fields: Fields | None) -> edge.MinShould | None:
    if fields is None:
        return None
    conditions = require(fields.array("conditions"), "conditions")
    minimum = require(fields.integer("min_count"), "min_count")
    return edge.MinShould([_read_condition(one) for one in conditions], minimum)


def _read_condition(value: Any) -> Any:
    fields = Fields(value, "condition")
    for name, read in _CONDITIONS.items():
        if name in fields:
            return read(fields)
    return _read_clauses(fields)


def _read_has_id(fields: Fields) -> edge.HasIdCondition:
    return edge.HasIdCondition({read_point_id(one) for one in require(fields.array("has_id"), "has_id")})


def _read_nested(fields: Fields) -> edge.NestedCondition:
    nested = require(fields.fields("nested"), "nested")
    inner = require(nested.fields("filter"), "filter")
    return edge.NestedCondition(require(nested.text("key"), "key"), _read_clauses(inner))


def _read_key(fields: Fields, name: str) -> str:
    return require(require(fields.fields(name), name).text("key"), "key")


def _read_field(fields: Fields) -> edge.FieldCondition:
    tests: dict[str, Any] = {
        name: read(inner) for name, read in _FIELD_TESTS.items() if (inner := fields.fields(name))
    }
    flags: dict[str, Any] = {
        name: flag for name in ("is_empty", "is_null") if (flag := fields.flag(name)) is not None
    }
    if not tests and not flags:
        raise BadBody("a field condition needs one of match, range, geo_*, values_count, is_empty, is_null")
    return edge.FieldCondition(key=require(fields.text("key"), "key"), **tests, **flags)


def _read_match(fields: Fields) -> Any:
    for name, build in _MATCHES.items():
        if name in fields:
            return build(fields)
    raise BadBody("a match needs one of value, text, text_any, phrase, prefix, any, except")


def _read_match_value(fields: Fields) -> edge.MatchValue:
    value = fields.any("value")
    if not isinstance(value, str | int):
        raise BadBody("match.value: expected a string, an integer or a boolean")
    return edge.MatchValue(value)


def _read_range(fields: Fields) -> Any:
    names = ("lt", "gt", "lte", "gte")
    if any(isinstance(fields.any(name), str) for name in names):
        return edge.RangeDateTime(**{name: fields.text(name) for name in names})
    return edge.RangeFloat(**{name: fields.number(name) for name in names})


def _read_values_count(fields: Fields) -> edge.ValuesCount:
    return edge.ValuesCount(**{name: fields.integer(name) for name in ("lt", "gt", "lte", "gte")})


def _read_place(fields: Fields | None, name: str) -> edge.GeoPoint:
    place = require(fields, name)
    return edge.GeoPoint(lon=require(place.number("lon"), "lon"), lat=require(place.number("lat"), "lat"))


def _read_box(fields: Fields) -> edge.GeoBoundingBox:
    corners = {name: _read_place(fields.fields(name), name) for name in ("top_left", "bottom_right")}
    return edge.GeoBoundingBox(**corners)


def _read_circle(fields: Fields) -> edge.GeoRadius:
    return edge.GeoRadius(
        _read_place(fields.fields("center"), "center"), require(fields.number("radius"), "radius")
    )


def _read_polygon(fields: Fields) -> edge.GeoPolygon:
    exterior = _read_ring(require(fields.fields("exterior"), "exterior"))
    interiors = [_read_ring(Fields(one, "interior")) for one in fields.array("interiors") or []]
    return edge.GeoPolygon(exterior, interiors or None)


def _read_ring(fields: Fields) -> list[edge.GeoPoint]:
    return [_read_place(Fields(one, "point"), "point") for one in require(fields.array("points"), "points")]


_CONDITIONS: dict[str, Callable[[Fields], Any]] = {
    "key": _read_field,
    "has_id": _read_has_id,
    "has_vector": lambda fields: edge.HasVectorCondition(require(fields.text("has_vector"), "has_vector")),
    "is_empty": lambda fields: edge.IsEmptyCondition(_read_key(fields, "is_empty")),
    "is_null": lambda fields: edge.IsNullCondition(_read_key(fields, "is_null")),
    "nested": _read_nested,
}
_FIELD_TESTS: dict[str, Callable[[Fields], Any]] = {
    "match": _read_match,
    "range": _read_range,
    "values_count": _read_values_count,
    "geo_bounding_box": _read_box,
    "geo_radius": _read_circle,
    "geo_polygon": _read_polygon,
}
_MATCHES: dict[str, Callable[[Fields], Any]] = {
    "value": _read_match_value,
    "text": lambda fields: edge.MatchText(require(fields.text("text"), "text")),
    "text_any": lambda fields: edge.MatchTextAny(require(fields.text("text_any"), "text_any")),
    "phrase": lambda fields: edge.MatchPhrase(require(fields.text("phrase"), "phrase")),
    "prefix": lambda fields: edge.MatchPrefix(require(fields.text("prefix"), "prefix")),
    "any": lambda fields: edge.MatchAny(require(fields.array("any"), "any")),
    "except": lambda fields: edge.MatchExcept(require(fields.array("except"), "except")),
}

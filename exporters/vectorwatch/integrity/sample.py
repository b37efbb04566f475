"""Payload values against the type of their index, which leaves out values of another type without a word."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .answer import Point
from .findings import Finding


def check_payload(indexes: Mapping[str, str], points: Sequence[Point]) -> Iterator[Finding]:
    """Yield a finding for each field of which some sampled values do not fit the type of its index."""
    for field, kind in indexes.items():
        fits = _FITS.get(kind)
        if fits is None or '"' in field:  # a quoted key is one that holds dots
            continue
        values = [(point.id, value) for point in points for value in find_values(point.payload, field)]
        strangers = [point_id for point_id, value in values if not fits(value)]
        if strangers:
            yield Finding(
                "payload",
                f"{len(strangers)} of {len(values)} sampled values of `{field}` are not of type {kind},"
                f" the first at point {strangers[0]}",
                "filters do not find them; write them with the right type, or index the field as what it is",
            )


def find_values(payload: Any, path: str) -> list[Any]:
    """Return the values at a payload key such as `a`, `a.b` or `a[].b`; each entry of a list is a value."""
    found = [payload]
    for part in path.split("."):
        key = part.removesuffix("[]")
        reached = [one[key] for one in found if isinstance(one, dict) and key in one]
        found = [entry for one in reached for entry in (one if isinstance(one, list) else [one])]
    return [value for value in found if value is not None]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_uuid(value: Any) -> bool:
    try:
        uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "datetime": _is_text,
    "float": lambda value: isinstance(value, float) or _is_integer(value),
    "geo": lambda value: isinstance(value, dict) and {"lon", "lat"} <= value.keys(),
    "integer": _is_integer,
    "keyword": _is_text,
    "text": _is_text,
    "uuid": _is_uuid,
}

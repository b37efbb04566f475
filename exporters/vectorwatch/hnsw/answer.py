"""Qdrant's answers as values: pure; strict on types, tolerant of fields we do not use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

from vectorwatch.errors import Reason, TargetError

from .recall import PointId, Scored

_LARGEST_FLOAT32 = 3.4028234663852886e38


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What a search returned, best first, and how long it took."""

    points: tuple[Scored, ...]
    client_seconds: float


def result_of(document: Any) -> Any:
    """Return `result` of an envelope. Raises TargetError(decode)."""
    if not isinstance(document, dict) or "result" not in document:
        malformed("no `result`")
    return document["result"]


def server_seconds(document: Any) -> float | None:
    """Return the envelope's `time`, None when it is no length of time."""
    seconds = document.get("time") if isinstance(document, dict) else None
    return seconds if _is_finite(seconds) and seconds > 0 else None


def parse_names(document: Any) -> list[str]:
    """Return the names of `GET /collections`, sorted. Raises TargetError(decode)."""
    result = result_of(document)
    listed = result.get("collections") if isinstance(result, dict) else None
    if not isinstance(listed, list):
        malformed("`result.collections` is no list")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in listed]
    if not all(isinstance(name, str) for name in names):
        malformed("a collection without a name")
    return sorted(name for name in names if isinstance(name, str))


def parse_count(document: Any) -> int:
    """Return `result.count` of `points/count`. Raises TargetError(decode)."""
    result = result_of(document)
    count = result.get("count") if isinstance(result, dict) else None
    if not is_count(count):
        malformed("`result.count` is no count")
    return count


def parse_scores(document: Any) -> tuple[Scored, ...]:
    """Return ids and scores of `points/query`. Raises TargetError(decode)."""
    return tuple(_parse_scored(point) for point in _points(document))


def parse_vectors(document: Any, name: str, size: int) -> list[list[float]]:
    """Return the stored vectors called `name`; points without one are left out.

    Raises TargetError(decode).
    """
    found = (_vector_of(point, name) for point in _points(document))
    return [_check_vector(vector, size) for vector in found if vector is not None]


def is_count(value: Any) -> TypeGuard[int]:
    """Tell whether a decoded value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def malformed(what: str) -> NoReturn:
    """Raise TargetError(decode)."""
    raise TargetError(Reason.DECODE, f"not an answer of Qdrant: {what}")


def _points(document: Any) -> list[dict[str, Any]]:
    result = result_of(document)
    points = result.get("points") if isinstance(result, dict) else None
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        malformed("`result.points` is no list of points")
    return points


def _parse_scored(point: dict[str, Any]) -> Scored:
    score = point.get("score")
    if not _is_finite(score):
        malformed("a score that is no number")
    return Scored(_parse_id(point.get("id")), float(score))


def _parse_id(value: Any) -> PointId:
    if isinstance(value, str):
        return value
    if is_count(value):
        return value
    malformed("a point without an id")


def _vector_of(point: dict[str, Any], name: str) -> Any:
    """Return the vector; the unnamed one stands alone, or under "" beside sparse ones."""
    vector = point.get("vector")
    return vector.get(name) if isinstance(vector, dict) else vector


def _check_vector(vector: Any, size: int) -> list[float]:
    if not isinstance(vector, list) or len(vector) != size:
        malformed(f"a vector that has not {size} numbers")
    if not all(_is_finite(number) and abs(number) <= _LARGEST_FLOAT32 for number in vector):
        malformed("a vector with something else than 32-bit numbers")
    return vector


def _is_finite(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the range of a float
        return False

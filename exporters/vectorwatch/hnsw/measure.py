"""One query: what is true, what the graph finds, and whether the collection stood still meanwhile."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .client import Mode, SearchClient
from .recall import PointId, Recall, Scored, measure_recall, overtakes, tolerance
from .settings import Ef
from .subject import Subject

Observe = Callable[[Mode, Ef | None, int, float], None]
"""Takes the latency of one search: mode, ef (None for exact), k, seconds."""

Found = Mapping[tuple[Ef, int], tuple[Scored, ...]]


class Discard(StrEnum):
    """Why a query gave no sample."""

    WRITTEN_BETWEEN = "written_between"
    """A neighbour was written, moved or deleted between the searches."""
    NO_RESULT = "no_result"
    """The exact search returned nothing, so that there is nothing to find."""


@dataclass(frozen=True)
class GroundTruth:
    """A query and its exact answer, best first; `number` tells queries of one subject apart."""

    number: int
    vector: array[float]
    exact: tuple[Scored, ...]
    found_at: float


Comparison = Mapping[tuple[Ef, int], Recall]


async def find_truth(
    client: SearchClient, subject: Subject, vector: array[float], number: int, observe: Observe
) -> GroundTruth:
    """Return the exact answer to `vector`. Raises TargetError."""
    answer = await client.search_exactly(subject, vector)
    observe(Mode.EXACT, None, subject.largest_k, answer.client_seconds)
    exact = sorted(answer.points, key=lambda point: point.score, reverse=subject.vector.larger_is_better)
    return GroundTruth(number, vector, tuple(exact), client.clock())


async def compare(
    client: SearchClient, subject: Subject, truth: GroundTruth, observe: Observe
) -> Comparison | Discard:
    """Return the recall of every ef and k on one query, or why there is none. Raises TargetError."""
    if not truth.exact:
        return Discard.NO_RESULT
    found: dict[tuple[Ef, int], tuple[Scored, ...]] = {}
    for ef in subject.ef:
        for k in subject.k:
            answer = await client.search(subject, truth.vector, ef, k)
            observe(Mode.ANN, ef, k, answer.client_seconds)
            found[ef, k] = answer.points
    present = await _score_doubtful(client, subject, truth, found)
    if _was_written(subject, truth, found, present):
        return Discard.WRITTEN_BETWEEN
    return _recalls(subject, truth, found, present)


async def _score_doubtful(
    client: SearchClient, subject: Subject, truth: GroundTruth, found: Found
) -> dict[PointId, float]:
    """Return the present true scores of what only one of the two searches knows.

    Points that a search missed may be gone or moved. Points that only a quantized search returned have an
    estimate for a score. Few as they are, this costs far less than a second exact search.
    """
    ids = _missed(truth, found) | (_strangers(truth, found) if subject.scores_are_estimates else set())
    if not ids:
        return {}
    answer = await client.score(subject, truth.vector, sorted(ids, key=str))
    return {point.id: point.score for point in answer.points}


def _was_written(
    subject: Subject, truth: GroundTruth, found: Found, present: Mapping[PointId, float]
) -> bool:
    """Tell whether the searches did not see the same points."""
    exact = {point.id: point.score for point in truth.exact}
    margin = tolerance(exact.values())
    doubtful = _missed(truth, found)
    if subject.scores_are_estimates:
        seen: Iterable[Scored] = ()
        doubtful |= _strangers(truth, found)
    else:
        seen = (point for points in found.values() for point in points)
    if not doubtful <= present.keys():
        return True
    if any(abs(score - exact[point]) > margin for point, score in present.items() if point in exact):
        return True
    return any(abs(point.score - exact[point.id]) > margin for point in seen if point.id in exact) or any(
        overtakes(
            _true(points, exact, present), truth.exact, larger_is_better=subject.vector.larger_is_better
        )
        for points in found.values()
    )


def _recalls(
    subject: Subject, truth: GroundTruth, found: Found, present: Mapping[PointId, float]
) -> Comparison:
    exact = {point.id: point.score for point in truth.exact}
    measured = {
        (ef, k): measure_recall(
            _true(points, exact, present),
            truth.exact,
            k,
            larger_is_better=subject.vector.larger_is_better,
        )
        for (ef, k), points in found.items()
    }
    return {key: recall for key, recall in measured.items() if recall is not None}


def _true(
    points: Iterable[Scored], exact: Mapping[PointId, float], present: Mapping[PointId, float]
) -> list[Scored]:
    """Return `points` with their true scores, those of the exact search first."""
    return [Scored(point.id, exact.get(point.id, present.get(point.id, point.score))) for point in points]


def _missed(truth: GroundTruth, found: Found) -> set[PointId]:
    return {
        point.id
        for (_, k), points in found.items()
        for point in truth.exact[:k]
        if point.id not in {other.id for other in points}
    }


def _strangers(truth: GroundTruth, found: Found) -> set[PointId]:
    known = {point.id for point in truth.exact}
    return {point.id for points in found.values() for point in points if point.id not in known}

"""The mathematics of recall: pure, no I/O."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

PointId = int | str

# Both searches compute a pair's score with the same 32-bit code, so that equal neighbours differ by rounding
# at most (2^-23 a term); the gap between two different neighbours is larger by orders of magnitude.
RELATIVE_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Scored:
    """A point that a search returned and its true score."""

    id: PointId
    score: float


@dataclass(frozen=True, slots=True)
class Recall:
    """What one search found of what it should have found: `0 <= hits <= expected`, `expected >= 1`."""

    hits: int
    expected: int


@dataclass(frozen=True, slots=True)
class Pooled:
    """The recall of many queries: a ratio, and the standard error of it (None for a single query)."""

    ratio: float
    standard_error: float | None
    queries: int


def measure_recall(
    found: Iterable[Scored], exact: Iterable[Scored], k: int, *, larger_is_better: bool
) -> Recall | None:
    """Return how many of the best `k` of `found` are no worse than the k-th best of `exact`.

    The definition of ann-benchmarks (`get_recall_values`): by score, so that any of several equally near
    neighbours counts. When fewer than `k` points exist, that many are expected; None when none exists.
    Scores must be true ones, not those of a quantized vector. Raises ValueError if k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    truth = _best_first(exact, larger_is_better)[:k]
    if not truth:
        return None
    floor = truth[-1] - tolerance(truth)
    hits = sum(goodness >= floor for goodness in _best_first(found, larger_is_better)[:k])
    return Recall(min(hits, len(truth)), len(truth))


def overtakes(found: Iterable[Scored], exact: Iterable[Scored], *, larger_is_better: bool) -> bool:
    """Tell whether `found` holds anything better than `exact`, at any rank.

    No search beats an exact one over the same points: the collection was written to between the two.
    """
    truth = _best_first(exact, larger_is_better)
    mine = _best_first(found, larger_is_better)
    margin = tolerance(truth)
    return len(mine) > len(truth) or any(a > b + margin for a, b in zip(mine, truth, strict=False))


def tolerance(scores: Collection[float]) -> float:
    """Return the difference below which two scores of one search are the same."""
    return RELATIVE_TOLERANCE * max((abs(score) for score in scores), default=0.0)


def pool(samples: Sequence[Recall]) -> Pooled | None:
    """Return the recall over `samples`, hits by expected, with the standard error of a ratio estimate.

    Queries are taken as independent, the results of one query are not. None without samples.
    """
    count = len(samples)
    expected = sum(sample.expected for sample in samples)
    if expected == 0:
        return None
    ratio = sum(sample.hits for sample in samples) / expected
    if count < 2:
        return Pooled(ratio, None, count)
    squares = math.fsum((sample.hits - ratio * sample.expected) ** 2 for sample in samples)
    return Pooled(ratio, math.sqrt(squares / (count * (count - 1))) * count / expected, count)


def _best_first(points: Iterable[Scored], larger_is_better: bool) -> list[float]:
    """Return the scores as "more is better", best first, each point once."""
    sign = 1 if larger_is_better else -1
    by_id = {point.id: sign * point.score for point in points}
    return sorted(by_id.values(), reverse=True)

"""From measurements to advice: pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from .evidence import LEAST_QUERIES, Evidence, Measurement
from .memory import most_link_bytes

_MOST_WINDOW_QUERIES = 10_000
_MEBIBYTE = 2**20


class Kind(StrEnum):
    """What the advice comes to."""

    USE = "use"
    """Search with a value of `ef` that was measured."""
    REBUILD = "rebuild"
    """No `ef` does it and a larger one has stopped helping: another `m` or `ef_construct`."""
    ELSEWHERE = "elsewhere"
    """No `ef` is fast enough, down to the smallest there is: HNSW settings are not the remedy."""
    MEASURE = "measure"
    """Cannot tell; `next` says what to measure."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One of the two: a recall at the least work, or a p95 (seconds) at the best recall."""

    recall: float | None = None
    p95_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The advice, why, and what else can be done; `ef` only with Kind.USE."""

    kind: Kind
    ef: str | None
    reasons: tuple[str, ...]
    next: tuple[str, ...] = ()


def judge(evidence: Evidence, aim: Aim) -> Verdict:
    """Return what to do for `aim`."""
    if evidence.bypassed:
        return _cannot_tell(
            f"searches compare with every point instead of walking the graph ({evidence.bypassed}), "
            "so that they find everything whatever `ef` is",
            "docs/reference/hnsw-probe.md, When a recall of 1 says nothing, tells what would change that",
        )
    enough = [one for one in evidence.by_effort() if one.counts]
    if not enough:
        most = max(one.queries for one in evidence.measurements)
        return _cannot_tell(
            f"{most} queries are too few to judge by, {LEAST_QUERIES} is the least",
            f"ask for longer than {evidence.over} with --over; "
            "for more queries raise `queries_per_minute` or `max_load_ratio` of the probe",
        )
    if aim.recall is not None:
        return _for_recall(evidence, enough, aim.recall)
    return _for_latency(evidence, enough, aim.p95_seconds or 0.0)


def _for_recall(evidence: Evidence, enough: list[Measurement], recall: float) -> Verdict:
    doubtful = [one for one in enough if one.low < recall <= one.high]
    for place, one in enumerate(enough):
        if one.low >= recall:
            cheaper = [other for other in enough[:place] if other in doubtful]
            hints = tuple(_ask_for_more(other, recall) for other in cheaper)
            return Verdict(
                Kind.USE, one.ef, (f"{_shown(one)} is the cheapest that surely reaches {recall:g}",), hints
            )
    if doubtful:
        best = doubtful[-1]
        return _cannot_tell(
            f"{_shown(best)} may reach {recall:g} or not",
            _ask_for_more(best, recall),
            _add_larger(evidence, enough),
        )
    return _beyond_ef(evidence, enough, recall)


def _beyond_ef(evidence: Evidence, enough: list[Measurement], recall: float) -> Verdict:
    """Return what to do when each measured `ef` surely stays below `recall`."""
    best = max(enough, key=lambda one: one.recall)
    below = f"no measured `ef` reaches {recall:g}; the best is {_shown(best)}"
    if still := _say_saturated(evidence, enough, recall):
        return Verdict(Kind.REBUILD, None, (below, still), _rebuild(evidence))
    return _cannot_tell(
        below,
        _add_larger(evidence, enough),
        "if that is not enough or too slow, another graph:",
        *_rebuild(evidence),
    )


def _say_saturated(evidence: Evidence, enough: list[Measurement], recall: float) -> str:
    """Return that a larger `ef` does not help any more, empty when it may.

    The measure is the last step by which `ef` at least doubled: what it brought is no more than chance, and
    at the most less than what is still missing. A further step brings less than the one before.
    """
    last = enough[-1]
    most = evidence.breadth_of(last)
    halves = [one for one in enough if most and (breadth := evidence.breadth_of(one)) and 2 * breadth <= most]
    if not halves:
        return ""
    before = halves[-1]
    gain, chance = last.recall - before.recall, math.hypot(before.margin or 0.0, last.margin or 0.0)
    missing = recall - last.recall
    if gain > chance or gain + chance >= missing:
        return ""
    return (
        f"a larger `ef` has stopped helping: from {before.ef} to {last.ef} it brought {gain:.4f} "
        f"± {chance:.4f}, and {missing:.4f} are missing"
    )


def _rebuild(evidence: Evidence) -> tuple[str, ...]:
    """Return which graphs to try and what they cost; what they bring only a measurement tells."""
    graph = evidence.graph
    trial = (
        "both are guesses until measured: try them on a copy of the collection, which the probe measures, too"
    )
    if not graph.m or not graph.ef_construct:
        return (
            "raise `ef_construct`, which costs time while it builds, or `m`, which costs memory as well; "
            "what they are now is unknown, because no qdrant-exporter shows this vector",
            trial,
        )
    longer = (
        f"`ef_construct` {graph.ef_construct} to {2 * graph.ef_construct}: longer to build, no memory; "
        "it is also what searches without `hnsw_ef` get"
    )
    wider = f"`m` {graph.m} to {2 * graph.m}: longer to build, and more memory for links"
    if graph.points is not None:
        now, then = (most_link_bytes(graph.points, m) / _MEBIBYTE for m in (graph.m, 2 * graph.m))
        wider += f", at most {then:,.1f} MiB instead of {now:,.1f} MiB"
    return longer, wider, trial


def _for_latency(evidence: Evidence, enough: list[Measurement], p95_seconds: float) -> Verdict:
    timed = [one for one in enough if one.p95_seconds is not None]
    if not timed:
        return _cannot_tell(
            f"fewer than {LEAST_QUERIES} searches were timed",
            f"ask for longer than {evidence.over} with --over",
        )
    within = [one for one in timed if (one.p95_seconds or 0.0) <= p95_seconds]
    if within:
        best = max(within, key=lambda one: one.recall)  # of equal ones the first, which is the cheapest
        return Verdict(
            Kind.USE,
            best.ef,
            (f"{_shown(best)} is the best with a p95 of at most {p95_seconds * 1000:g} ms",),
        )
    fastest = min(timed, key=lambda one: one.p95_seconds or 0.0)
    slow = (
        f"no measured `ef` has a p95 of at most {p95_seconds * 1000:g} ms; the fastest is `ef` {fastest.ef} "
        f"with {(fastest.p95_seconds or 0.0) * 1000:.1f} ms"
    )
    breadths = [breadth for one in enough if (breadth := evidence.breadth_of(one)) is not None]
    if not breadths or min(breadths) > evidence.k:
        smaller = max(evidence.k, int(min(breadths, default=2 * evidence.k)) // 2)
        return _cannot_tell(slow, f"add {smaller} to `ef` of the probe, and ask again when it is measured")
    return Verdict(
        Kind.ELSEWHERE,
        None,
        (slow, f"`ef` {evidence.k} is the smallest that can return {evidence.k} results"),
        ("look at quantization, what is in memory, segments, CPU and network: no `ef` mends this",),
    )


def _add_larger(evidence: Evidence, enough: list[Measurement]) -> str:
    breadths = [breadth for one in enough if (breadth := evidence.breadth_of(one)) is not None]
    largest = int(max(breadths, default=128))
    return f"add {2 * largest} and {4 * largest} to `ef` of the probe, and ask again when they are measured"


def _ask_for_more(one: Measurement, recall: float) -> str:
    distance = abs(one.recall - recall)
    needed = one.queries * ((one.margin or 0.0) / distance) ** 2 if distance else math.inf
    if needed > _MOST_WINDOW_QUERIES:
        return f"`ef` {one.ef} is too close to {recall:g} for any number of queries to tell"
    rounded = math.ceil(needed / 50) * 50
    return (
        f"{_shown(one)}: some {rounded} queries would tell whether it reaches {recall:g}; "
        "raise `window_queries` and `window_seconds` of the probe, and ask for as long with --over"
    )


def _shown(one: Measurement) -> str:
    return f"`ef` {one.ef} with a recall of {one.recall:.4f} ± {one.margin or 0.0:.4f}"


def _cannot_tell(reason: str, *remedies: str) -> Verdict:
    return Verdict(Kind.MEASURE, None, (reason,), remedies)

"""What was measured of one vector, as values."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_QUERIES = 50
"""Fewer say too little; the alerts on recall (prometheus/rules/hnsw.yml) ask for as many."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of `ef`. Latencies in seconds, None where too little is known."""

    ef: str
    recall: float
    margin: float | None
    """Two standard errors of `recall`."""
    queries: int
    """Different ones."""
    searches: int
    p50_seconds: float | None
    p95_seconds: float | None

    @property
    def counts(self) -> bool:
        """Tell whether there were queries enough to judge the recall."""
        return self.queries >= LEAST_QUERIES and self.margin is not None

    @property
    def low(self) -> float:
        """Return the recall that is surely reached."""
        return self.recall - (self.margin if self.margin is not None else math.inf)

    @property
    def high(self) -> float:
        """Return the recall that is surely not exceeded."""
        return self.recall + (self.margin if self.margin is not None else math.inf)


@dataclass(frozen=True, slots=True)
class Graph:
    """How the vector is indexed, as our Qdrant exporter shows it; None where nothing shows it."""

    points: float | None
    dimensions: int | None
    m: int | None
    ef_construct: int | None
    quantization: str
    """Empty where there is none."""
    on_disk: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one vector with one filter and one `k`."""

    collection: str
    instance: str
    vector: str
    filter: str
    k: int
    over: str
    bypassed: str
    """Why searches do not walk the graph; empty when they do."""
    optimizing: bool
    objective: float | None
    measurements: tuple[Measurement, ...]
    graph: Graph

    def breadth_of(self, one: Measurement) -> float | None:
        """Return the `ef` as a number.

        A search that sets none gets `ef_construct` (`ef: ef_construct` in Qdrant's `hnsw_index/config.rs`).
        """
        return self.graph.ef_construct if one.ef == "default" else int(one.ef)

    def by_effort(self) -> list[Measurement]:
        """Return the measurements, the cheapest search first: work rises with `ef`, clocks only tremble.

        Where nobody knows what `default` is, the median latency decides.
        """
        known = {one.ef: self.breadth_of(one) for one in self.measurements}
        if any(breadth is None for breadth in known.values()):
            return sorted(self.measurements, key=lambda one: one.p50_seconds or math.inf)
        return sorted(self.measurements, key=lambda one: (known[one.ef] or 0, one.ef))


def margin_of(
    standard_error: float | None, queries: float, window: float, k: int, recall: float
) -> float | None:
    """Return two standard errors of a recall of `queries`, when the error is known for `window` queries.

    When nothing at all was missed the spread is 0, which is no certainty: three misses could have been
    (the rule of three, for misses that come one at a time).
    """
    if standard_error is None or queries < 1:
        return None
    if recall >= 1:
        return 3 / (queries * k)
    return 2 * standard_error * math.sqrt(max(window / queries, 1))

"""Latencies in buckets."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BUCKETS_SECONDS = (
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


@dataclass(slots=True)
class LatencyHistogram:
    """Counts by bucket; the last one holds what is longer than all bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))
    sum_seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one search; a bound belongs to its bucket."""
        self.counts[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.sum_seconds += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the buckets as Prometheus wants them: upper bound, count up to it."""
        bounds = [f"{bound:g}" if bound < 1 else str(bound) for bound in BUCKETS_SECONDS]
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip([*bounds, "+Inf"], self.counts, strict=True):
            total += count
            buckets.append((bound, total))
        return buckets

"""Counts of REST answers as Qdrant keeps them: only known endpoints, durations of status 200 only."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Lock

BUCKETS_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0)

_POINTS = "/collections/{collection_name}/points"
COUNTED_ENDPOINTS = frozenset(
    ["/collections/{collection_name}/index", _POINTS]
    + [
        f"{_POINTS}/{name}"
        for name in (
            "count",
            "delete",
            "payload",
            "payload/clear",
            "payload/delete",
            "query",
            "query/batch",
            "scroll",
            "search",
            "vectors",
        )
    ]
)
"""Those of Qdrant's list (`REST_ENDPOINT_WHITELIST` in `src/common/metrics.rs`) that are served here."""


@dataclass
class Durations:
    """A histogram of seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))
    total_seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.total_seconds += seconds

    def cumulate(self) -> list[tuple[str, int]]:
        """Return Prometheus' buckets: upper bound and count of all up to it."""
        bounds = [*(f"{bound:g}" for bound in BUCKETS_SECONDS), "+Inf"]
        return list(zip(bounds, accumulate(self.counts), strict=True))


class Traffic:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._responses: dict[tuple[str, str, int], int] = defaultdict(int)
        self._durations: dict[tuple[str, str], Durations] = defaultdict(Durations)

    def record(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answer."""
        with self._lock:
            self._responses[method, endpoint, status] += 1
            if status == 200:
                self._durations[method, endpoint].observe(seconds)

    def list_responses(self) -> dict[tuple[str, str, int], int]:
        """Return answers by method, endpoint and status."""
        with self._lock:
            return dict(self._responses)

    def list_durations(self) -> dict[tuple[str, str], Durations]:
        """Return durations by method and endpoint."""
        with self._lock:
            return {
                key: Durations(list(one.counts), one.total_seconds) for key, one in self._durations.items()
            }

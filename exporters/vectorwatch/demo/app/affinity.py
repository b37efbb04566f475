"""Connection affinity: does a kind of query get a connection that served it before, whose caches know it?"""

from __future__ import annotations

import threading
from collections import defaultdict, deque

from vectorwatch.instrument import track

_JUDGED = 50


class Affinity:
    """Counts hits by kind of query and compares the durations of hits and misses."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=_JUDGED))
        self._seconds: dict[tuple[str, bool], deque[float]] = defaultdict(lambda: deque(maxlen=_JUDGED))
        self._lock = threading.Lock()

    def record(self, query_type: str, *, hit: bool, seconds: float) -> None:
        """Take one query of `seconds`; a hit is one on a connection that had served its kind before."""
        with self._lock:
            recent = self._recent[query_type]
            recent.append(hit)
            self._seconds[query_type, hit].append(seconds)
            score = sum(recent) / len(recent)
            gain = self._gain_percent(query_type)
        track.connection_affinity(query_type, hit=hit)
        track.connection_affinity_performance(query_type, score=score, gain_percent=gain)

    def _gain_percent(self, query_type: str) -> float:
        hits, misses = self._seconds[query_type, True], self._seconds[query_type, False]
        if not hits or not misses:
            return 0.0
        hit, miss = sum(hits) / len(hits), sum(misses) / len(misses)
        return 100 * (miss - hit) / miss if miss else 0.0

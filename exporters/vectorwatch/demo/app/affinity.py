"""Connection affinity: does a kind of query get the connection that served it last, whose caches know it?"""

from __future__ import annotations

import threading
from collections import defaultdict, deque

from vectorwatch.instrument import track

_JUDGED = 50


class Affinity:
    """Counts hits by kind of query and compares the durations of hits and misses."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._recent: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=_JUDGED))
        self._seconds: dict[tuple[str, bool], deque[float]] = defaultdict(lambda: deque(maxlen=_JUDGED))
        self._lock = threading.Lock()

    def record(self, query_type: str, connection: int, seconds: float) -> None:
        """Take one query on `connection` (a number that tells connections apart)."""
        with self._lock:
            hit = self._served.get(query_type) == connection
            self._served[query_type] = connection
            recent = self._recent[query_type]
            recent.append(hit)
            self._seconds[query_type, hit].append(seconds)
            score = sum(recent) / len(recent)
            gain = self._gain_percent(query_type)
        track.connection_affinity(query_type, hit=hit)
        track.connection_affinity_performance(query_type, score=score, gain_percent=gain)

    def forget(self) -> None:
        """Forget which connection served what, so that the next queries miss."""
        with self._lock:
            self._served.clear()

    def _gain_percent(self, query_type: str) -> float:
        hits, misses = self._seconds[query_type, True], self._seconds[query_type, False]
        if not hits or not misses:
            return 0.0
        hit, miss = sum(hits) / len(hits), sum(misses) / len(misses)
        return 100 * (miss - hit) / miss if miss else 0.0

"""So many requests a minute for each API key: a bucket of tokens that fills again."""

from __future__ import annotations

from collections.abc import Callable


class RequestLimit:
    """Lets `per_minute` requests of each caller through."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, caller: str) -> bool:
        """Tell whether a request of `caller` may pass, and count it; callers are known ones, and so few."""
        now = self._clock()
        tokens, seen = self._buckets.get(caller, (float(self._per_minute), now))
        tokens = min(float(self._per_minute), tokens + (now - seen) * self._per_minute / 60)
        admitted = tokens >= 1
        self._buckets[caller] = (tokens - 1 if admitted else tokens, now)
        return admitted

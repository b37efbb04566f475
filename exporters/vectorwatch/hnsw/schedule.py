"""When the next round starts. Pure: the clock is given."""

from __future__ import annotations

from .budget import Clock


class Schedule:
    """Rounds at a fixed interval; rounds that were missed are skipped, never caught up."""

    def __init__(self, interval_seconds: float, clock: Clock) -> None:
        self._interval = interval_seconds
        self._clock = clock
        self._next = clock()

    def seconds_to_next(self) -> float:
        """Return how long to wait for the next round, and plan the one after it."""
        now = self._clock()
        due = min(max(self._next, now), now + self._interval)
        self._next = due + self._interval
        return due - now

"""What the probe may cost: searches a minute and seconds of the engine's time. Pure: the clock is given."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Monotonic seconds."""

# Longer savings would let a burst follow a quiet hour; with these, even the first minute after a start stays
# below twice the limit.
_SAVED_SEARCH_SECONDS = 60.0
_SAVED_ENGINE_SECONDS = 30.0


class Bucket:
    """An allowance that refills with time, up to `capacity`, and may be overdrawn once.

    The cost of a search is known only after it: one may start while anything is left, and what it overdraws
    is waited for. So `spent <= capacity + rate * elapsed + the cost of one search` holds at any time.
    """

    def __init__(self, per_second: float, capacity: float, clock: Clock) -> None:
        self._per_second = per_second
        self._capacity = capacity
        self._clock = clock
        self._balance = capacity
        self._counted_until = clock()

    def balance(self) -> float:
        """Return what is left; negative while overdrawn."""
        now = self._clock()
        # A clock that jumps back must not take anything away; one that jumps ahead fills the bucket at most.
        elapsed = max(0.0, now - self._counted_until)
        self._counted_until = now
        self._balance = min(self._capacity, self._balance + elapsed * self._per_second)
        return self._balance

    def spend(self, amount: float) -> None:
        """Take `amount`, whatever is left."""
        self._balance = self.balance() - max(0.0, amount)


class Budget:
    """The allowance of one target."""

    def __init__(
        self, *, searches_per_minute: float, max_load_ratio: float, interval_seconds: float, clock: Clock
    ) -> None:
        per_second = searches_per_minute / 60
        # A round may use what its interval earned.
        self._searches = Bucket(per_second, per_second * max(interval_seconds, _SAVED_SEARCH_SECONDS), clock)
        self._engine = Bucket(max_load_ratio, max_load_ratio * _SAVED_ENGINE_SECONDS, clock)

    def may_search(self) -> bool:
        """Tell whether another query may start."""
        return self._searches.balance() > 0 and self._engine.balance() > 0

    def searches_left(self) -> float:
        """Return how many searches may start now."""
        return max(0.0, self._searches.balance())

    def affords(self, engine_seconds: float) -> bool:
        """Tell whether a search of that length fits without an overdraft."""
        return engine_seconds <= self._engine.balance()

    def charge(self, *, searches: int, engine_seconds: float) -> None:
        """Book what was used."""
        self._searches.spend(searches)
        self._engine.spend(engine_seconds)

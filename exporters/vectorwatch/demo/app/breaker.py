"""A circuit breaker: after failures in a row the call is not made for a while, then tried once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vectorwatch.instrument import track

_FAILURES_IN_A_ROW = 5
_OPEN_SECONDS = 15.0


class BreakerOpenError(Exception):
    """The call was not made."""


class Breaker:
    """The breaker before one dependency, called `failure_type` in its metrics."""

    def __init__(
        self, failure_type: str, clock: Callable[[], float], open_seconds: float = _OPEN_SECONDS
    ) -> None:
        self._name = failure_type
        self._clock = clock
        self._open_seconds = open_seconds
        self._failures = 0
        self._until = 0.0
        self._enter("closed")

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run a call: raises BreakerOpenError while open or another call tries, and what the call raises."""
        if self.state == "half_open" or (self.state == "open" and self._clock() < self._until):
            raise BreakerOpenError(f"the breaker of {self._name} is open")
        tries = self.state == "open"
        if tries:
            self._enter("half_open")
        try:
            yield
        except Exception:
            self._note_failure()
            raise
        except BaseException:
            # A cancelled call says nothing; the next one tries.
            if tries and self.state == "half_open":
                self._enter("open")
            raise
        self._note_success()

    def _note_failure(self) -> None:
        track.circuit_breaker_failure(self._name)
        self._failures += 1
        if self.state == "half_open" or self._failures >= _FAILURES_IN_A_ROW:
            self._until = self._clock() + self._open_seconds
            self._enter("open")

    def _note_success(self) -> None:
        self._failures = 0
        if self.state != "closed":
            track.circuit_breaker_recovery(self._name)
            self._enter("closed")

    def _enter(self, state: str) -> None:
        self.state = state
        track.circuit_breaker_state(self._name, state)

"""When to leave something alone, and for how long. Pure: the clock is given."""

from __future__ import annotations

from .budget import Clock


class Backoff:
    """A pause that doubles with every reason for one, up to a cap, and ends with the first success."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause_seconds = 0.0
        self._started = 0.0

    @property
    def pause_seconds(self) -> float:
        """Return the length of the current pause; 0 when nothing was wrong last time."""
        return self._pause_seconds

    def waiting(self) -> bool:
        """Tell whether the pause is still on."""
        elapsed = self._clock() - self._started
        # A clock that jumped back must not make a pause longer than it is.
        return 0 <= elapsed < self._pause_seconds

    def pause(self, first_seconds: float, cap_seconds: float) -> None:
        """Pause for `first_seconds`, or twice as long as last time, at most `cap_seconds`."""
        self._pause_seconds = min(max(first_seconds, 2 * self._pause_seconds), cap_seconds)
        self._started = self._clock()

    def reset(self) -> None:
        """Forget: the next pause starts short again."""
        self._pause_seconds = 0.0

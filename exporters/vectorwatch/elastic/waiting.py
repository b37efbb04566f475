"""Wait for a server that is still starting, and say so meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .client import ElasticError, LoginError, NotReadyError

_PAUSE_SECONDS = 1.0
_PROGRESS_SECONDS = 15.0
_LOGIN_SECONDS = 60.0
"""How long a refused password may be right: Elasticsearch refuses all until its users are recovered."""

T = TypeVar("T")


@dataclass
class Patience:
    """How long a program waits, over all its requests, for a server that is not ready."""

    seconds: float
    say: Callable[[str], None]
    pause_seconds: float = _PAUSE_SECONDS
    login_seconds: float = _LOGIN_SECONDS
    _started: float = field(default_factory=time.monotonic)

    def attempt(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns, asking again while the server is not ready.

        Says the reason at once and then every 15 s. Raises the last ElasticError at the end of the patience.
        """
        refused_since: float | None = None
        told: float | None = None
        while True:
            now = time.monotonic()
            try:
                return ask()
            except LoginError as error:
                refused_since = now if refused_since is None else refused_since
                if now - refused_since >= self.login_seconds or self._is_over(now):
                    raise
                problem: ElasticError = error
            except NotReadyError as error:
                if self._is_over(now):
                    raise ElasticError(
                        f"{error}; given up after {self.seconds:g} s: its log says why, and what is done"
                        " stays: run this again"
                    ) from error
                problem = error
            if told is None or now - told >= _PROGRESS_SECONDS:
                told = now
                left = max(0.0, self._started + self.seconds - now)
                self.say(f"waiting, {left:.0f} s at most: {problem}")
            time.sleep(self.pause_seconds)

    def _is_over(self, now: float) -> bool:
        return now - self._started >= self.seconds

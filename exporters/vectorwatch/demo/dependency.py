"""A server that the workload needs, and whether it answers: told once at each change, tried once a second."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_SECONDS = 1.0


class Dependency:
    """Runs calls to one server; a failed call is None, and calls within the next second are not made."""

    def __init__(self, name: str, failures: tuple[type[Exception], ...], clock: Callable[[], float]) -> None:
        self.name = name
        self._failures = failures
        self._clock = clock
        self._down_since: float | None = None
        self._next_try = float("-inf")

    def attempt(self, call: Callable[[], T]) -> T | None:
        """Return what `call` returns, or None when the server does not answer."""
        if self._clock() < self._next_try:
            return None
        try:
            result = call()
        except self._failures as error:
            self._note_failure(error)
            return None
        self._note_success()
        return result

    @property
    def answers(self) -> bool:
        """Tell whether the last call succeeded (or none was made yet)."""
        return self._down_since is None

    def _note_failure(self, error: Exception) -> None:
        now = self._clock()
        self._next_try = now + _RETRY_SECONDS
        if self._down_since is None:
            self._down_since = now
            log.warning("%s does not answer (%s); going on without it", self.name, type(error).__name__)

    def _note_success(self) -> None:
        if self._down_since is not None:
            log.info("%s answers again after %.0f s", self.name, self._clock() - self._down_since)
            self._down_since = None

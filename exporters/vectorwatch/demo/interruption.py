"""Ctrl-C and SIGTERM as a flag that loops look at, so that no signal lands between a start and its record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vectorwatch.errors import VectorwatchError


class InterruptionError(VectorwatchError):
    """Somebody asked this program to end."""

    exit_code = 130


class Interruption:
    """Whether somebody asked this program to end."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask: every later `pause` raises."""
        self._asked.set()

    def pause(self, seconds: float) -> None:
        """Wait `seconds`. Raises InterruptionError as soon as somebody asked to end."""
        if self._asked.wait(seconds):
            raise InterruptionError("demo: interrupted")


@contextmanager
def catch_signals() -> Iterator[Interruption]:
    """Turn SIGINT, SIGTERM and SIGHUP (a closed terminal) into an Interruption while inside."""
    interruption = Interruption()

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's signature
        interruption.ask()

    former = {
        number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

"""The queue before a model: so many run at once, the others wait their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from vectorwatch.instrument import track


class ModelQueue:
    """The queue of one model; `workers` may be changed while it runs."""

    def __init__(self, model: str, workers: int) -> None:
        self.model = model
        self._workers = workers
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def length(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @property
    def busy(self) -> int:
        """Return how many run."""
        return self._busy

    @property
    def workers(self) -> int:
        """Return how many may run at once."""
        return self._workers

    @workers.setter
    def workers(self, count: int) -> None:
        self._workers = count
        self._admit()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it."""
        asked = perf_counter()
        ticket = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        self._admit()
        track.model_queue(self.model, length=self.length)
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self._release()
            raise
        track.model_queue(self.model, length=self.length, wait_seconds=perf_counter() - asked)
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        self._busy -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._busy < self._workers or self._waiting[0].cancelled()):
            ticket = self._waiting.popleft()
            if not ticket.cancelled():
                self._busy += 1
                ticket.set_result(None)

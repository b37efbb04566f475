"""One thread for a driver that blocks: at most one call runs, however many scrapes wait for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

from vectorwatch.errors import Reason, TargetError

T = TypeVar("T")


class DriverThread(Generic[T]):
    """Run `read` in one thread.

    Scrapes that overlap share one call. A call that outlives the deadline of a scrape is overdue: until it
    comes back, later scrapes fail at once. The thread is a daemon because a hung driver call cannot be
    ended: a thread pool would join it at exit and the program would never end.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._calls: SimpleQueue[Future[T]] = SimpleQueue()
        self._running: Future[T] | None = None
        self._started_seconds = 0.0
        self._overdue = False

    def start(self) -> None:
        """Start the thread; it lives as long as the program."""
        threading.Thread(target=self._serve, name="nvml", daemon=True).start()

    async def call(self) -> T:
        """Return what `read` returns or raises; raises TargetError(timeout) at once behind a hung call."""
        call = self._running
        if call is None or call.done():
            call = self._submit()
        elif self._overdue:
            waited = time.monotonic() - self._started_seconds
            raise TargetError(Reason.TIMEOUT, f"the driver has not answered for {waited:.0f} s")
        try:
            # Shielded: the deadline of one scrape must not cancel what another one waits for.
            return await asyncio.shield(asyncio.wrap_future(call))
        except asyncio.CancelledError:
            self._overdue = True
            raise

    def _submit(self) -> Future[T]:
        call: Future[T] = Future()
        self._running = call
        self._started_seconds = time.monotonic()
        self._overdue = False
        self._calls.put(call)
        return call

    def _serve(self) -> None:
        while True:
            call = self._calls.get()
            try:
                result = self._read()
            except Exception as error:  # handed to the scrape that waits, whose boundary decides
                call.set_exception(error)
            else:
                call.set_result(result)

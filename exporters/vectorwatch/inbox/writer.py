"""Store notifications in groups: those that come while one sync to the disk runs share the next.

The writer also knows whether the journal can be written. When it cannot, every notification is still tried,
so that the first one after the trouble gets through; between them the writer tries by itself, because a
sender that looks at `/readyz` first would otherwise never come back.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from .entry import Draft, Head
from .journal import Journal
from .metrics import InboxMetrics, JournalState
from .notification import Notification, RefusalReason, RefusedError

log = logging.getLogger(__name__)

A = TypeVar("A")
R = TypeVar("R")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PROBE_BYTES = 4096  # one block of a file system


@dataclass(slots=True)
class _Waiting:
    draft: Draft
    stored: asyncio.Future[Head]


class Writer:
    """The only one that appends to `journal`; `run` it as a task and `stop` it at the end."""

    def __init__(self, journal: Journal, metrics: InboxMetrics, probe_seconds: float = 2.0) -> None:
        self.journal = journal
        self._metrics = metrics
        self._probe_seconds = probe_seconds
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._thread = ThreadPoolExecutor(1, "journal")
        self._probe_bytes = _PROBE_BYTES
        self.trouble = ""
        """Why the journal cannot be written, as a sentence; empty while it can."""

    async def store(self, notification: Notification) -> Head:
        """Return once `notification` is on the disk; raise RefusedError when it cannot be written."""
        waiting = _Waiting(Draft.of(notification), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.stored

    async def run(self) -> None:
        """Write what waits until `stop`; end when nothing waits any more."""
        await self._probe()
        while self._waiting or not self._stopping:
            try:
                async with asyncio.timeout(self._probe_seconds if self.trouble else None):
                    await self._wake.wait()
            except TimeoutError:
                await self._probe()
            self._wake.clear()
            while self._waiting:
                await self._write_group(self._take_group())
        self._thread.shutdown()

    def state(self) -> JournalState:
        """Return what the metrics say of the journal."""
        journal = self.journal
        return JournalState(
            size_bytes=journal.size_bytes,
            entries=len(journal.index),
            writable=not self.trouble,
            removed_entries=journal.removed_entries,
            damaged_lines=journal.damaged_lines,
        )

    def stop(self) -> None:
        """Let `run` end after it has written what waits."""
        self._stopping = True
        self._wake.set()

    def _take_group(self) -> list[_Waiting]:
        """Take what waits, at least one and at most what one file of the journal holds."""
        size_bytes, count = 0, 0
        for waiting in self._waiting:
            size_bytes += len(waiting.draft.content)
            if count and size_bytes > self.journal.segment_bytes:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _write_group(self, group: list[_Waiting]) -> None:
        started = perf_counter()
        try:
            heads = await self._in_thread(self.journal.append, [waiting.draft for waiting in group])
        except OSError as error:
            # Find out by itself when what has just failed would fit.
            self._probe_bytes = max(len(waiting.draft.content) for waiting in group)
            _fail(group, self._note_trouble(error))
            return
        except Exception as defect:
            # Boundary: a defect fails these senders, who try again, and not all that come later.
            log.exception("journal: could not store %d notifications", len(group))
            _fail(group, defect)
            return
        self._metrics.journal_write_seconds.observe(perf_counter() - started)
        self._note_success()
        for waiting, head in zip(group, heads, strict=True):
            is_repeat = head.duplicate_of is not None
            self._metrics.count_stored(waiting.draft.notification, head.received_at, is_repeat=is_repeat)
            if not waiting.stored.done():
                waiting.stored.set_result(head)

    async def _probe(self) -> None:
        try:
            await self._in_thread(self.journal.try_to_append, self._probe_bytes)
        except OSError as error:
            self._note_trouble(error)
        else:
            self._note_success()

    async def _in_thread(self, function: Callable[[A], R], argument: A) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, argument)

    def _note_trouble(self, error: OSError) -> RefusedError:
        refusal = _explain(error)
        if self.trouble != str(refusal):
            log.error("journal: cannot be written, notifications are refused: %s", error)
        self.trouble = str(refusal)
        return refusal

    def _note_success(self) -> None:
        if self.trouble:
            log.warning("journal: can be written again, notifications are taken")
        self.trouble = ""
        self._probe_bytes = _PROBE_BYTES


def _fail(group: list[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.stored.done():
            waiting.stored.set_exception(error)


def _explain(error: OSError) -> RefusedError:
    cause = (error.strerror or "unknown error").lower()
    if error.errno in _FULL:
        return RefusedError(
            RefusalReason.DISK_FULL, f"The journal's disk is full ({cause}); try again later."
        )
    return RefusedError(
        RefusalReason.NOT_WRITABLE, f"The journal cannot be written ({cause}); try again later."
    )

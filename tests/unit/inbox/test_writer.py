from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from vectorwatch.inbox.entry import Head
from vectorwatch.inbox.journal import Journal
from vectorwatch.inbox.metrics import InboxMetrics
from vectorwatch.inbox.notification import Notification, RefusalReason, RefusedError
from vectorwatch.inbox.slack import parse_slack
from vectorwatch.inbox.writer import Writer

OpenJournal = Callable[..., Journal]


def notification(text: str) -> Notification:
    return parse_slack(json.dumps({"text": text}).encode())


@asynccontextmanager
async def running(journal: Journal, probe_seconds: float = 0.05) -> AsyncIterator[Writer]:
    writer = Writer(journal, InboxMetrics(CollectorRegistry()), probe_seconds)
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        writer.stop()
        await task


class Disk:
    """Stand-in for `os.fsync`: counts, waits or fails as told; the file itself is real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs = 0
        self.error: OSError | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        monkeypatch.setattr(os, "fsync", self.sync)

    def sync(self, _descriptor: int) -> None:
        self.syncs += 1
        self.reached.set()
        assert self.gate.wait(60)
        if self.error:
            raise self.error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def test_nothing_is_acknowledged_before_the_sync_and_what_waits_shares_the_next(
    open_journal: OpenJournal, disk: Disk
) -> None:
    journal = open_journal()
    async with running(journal) as writer:
        await writer.store(notification("warm"))
        disk.gate.clear()
        disk.reached.clear()
        first = asyncio.create_task(writer.store(notification("first")))
        assert await asyncio.to_thread(disk.reached.wait, 60)
        others = [asyncio.create_task(writer.store(notification(str(number)))) for number in range(50)]
        async with asyncio.timeout(60):
            while len(writer._waiting) < len(others):  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert not first.done()  # the gate is still closed
        before = disk.syncs
        disk.gate.set()
        heads = await asyncio.gather(first, *others)
    assert [head.id for head in heads] == list(range(2, 53))
    assert disk.syncs - before <= 2


async def test_a_full_disk_refuses_all_that_wait_and_recovers_by_itself(
    open_journal: OpenJournal, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    journal = open_journal()
    async with running(journal) as writer:
        disk.error = OSError(errno.ENOSPC, "No space left on device")
        results: list[Head | BaseException] = []
        for _ in range(3):
            stored = (writer.store(notification(str(number))) for number in range(5))
            results += await asyncio.gather(*stored, return_exceptions=True)
        assert {str(result) for result in results} == {
            "The journal's disk is full (no space left on device); try again later."
        }
        assert {getattr(result, "reason", None) for result in results} == {RefusalReason.DISK_FULL}
        assert not writer.state().writable
        disk.error = None
        async with asyncio.timeout(60):
            while writer.trouble:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await writer.store(notification("after"))).id > 0
    assert [record.getMessage() for record in caplog.records] == [
        "journal: cannot be written, notifications are refused: [Errno 28] No space left on device",
        "journal: can be written again, notifications are taken",
    ]


async def test_other_trouble_is_named_as_it_is(open_journal: OpenJournal, disk: Disk) -> None:
    async with running(open_journal()) as writer:
        disk.error = OSError(errno.EROFS, "Read-only file system")
        with pytest.raises(RefusedError) as caught:
            await writer.store(notification("x"))
    assert caught.value.reason is RefusalReason.NOT_WRITABLE
    assert str(caught.value) == "The journal cannot be written (read-only file system); try again later."


async def test_a_folder_that_cannot_be_written_is_known_before_the_first_notification(
    open_journal: OpenJournal, disk: Disk
) -> None:
    disk.error = OSError(errno.EROFS, "Read-only file system")
    async with running(open_journal()) as writer:
        async with asyncio.timeout(60):
            while not writer.trouble:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        disk.error = None


async def test_a_defect_fails_its_own_notifications_only(
    open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()

    def fail(_drafts: Any) -> list[Head]:
        raise ZeroDivisionError("a defect")

    async with running(journal) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(journal, "append", fail)
            with pytest.raises(ZeroDivisionError):
                await writer.store(notification("x"))
        assert (await writer.store(notification("y"))).id > 0


async def test_what_waits_at_the_end_is_written(open_journal: OpenJournal, disk: Disk) -> None:
    journal = open_journal()
    async with running(journal) as writer:
        waiting = [asyncio.create_task(writer.store(notification(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        writer.stop()
    assert sorted(task.result().id for task in waiting) == list(range(1, 21))


async def test_a_sender_that_has_gone_does_not_disturb_the_others(
    open_journal: OpenJournal, disk: Disk
) -> None:
    journal = open_journal()
    async with running(journal) as writer:
        await writer.store(notification("warm"))
        disk.gate.clear()
        gone = asyncio.create_task(writer.store(notification("gone")))
        stays = asyncio.create_task(writer.store(notification("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        disk.gate.set()
        assert (await stays).id == 3
    assert len(journal.index) == 3


async def test_a_group_is_never_larger_than_a_file_of_the_journal(
    open_journal: OpenJournal, disk: Disk
) -> None:
    journal = open_journal(max_bytes=80_000)
    async with running(journal) as writer:
        stored = (writer.store(notification(f"{number} " + "x" * 1000)) for number in range(100))
        await asyncio.gather(*stored)
    assert journal.size_bytes <= 80_000
    assert journal.index.last_id == 100

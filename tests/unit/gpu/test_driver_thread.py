"""One thread, one call at a time, whatever the driver does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from vectorwatch.errors import Reason, TargetError
from vectorwatch.gpu.driver_thread import DriverThread


class Driver:
    """A call that returns when it is let go, and counts how often it was made."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.calls = 0

    def read(self) -> int:
        self.calls += 1
        assert self.release.wait(60)
        return self.calls


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def thread(driver: Driver) -> DriverThread[int]:
    thread = DriverThread(driver.read)
    thread.start()
    return thread


async def test_each_scrape_reads_anew(driver: Driver, thread: DriverThread[int]) -> None:
    driver.release.set()
    assert [await thread.call(), await thread.call()] == [1, 2]


async def test_scrapes_that_overlap_share_one_call(driver: Driver, thread: DriverThread[int]) -> None:
    both = asyncio.gather(thread.call(), thread.call())
    await asyncio.sleep(0)
    driver.release.set()
    assert list(await both) == [1, 1]


async def test_behind_a_hung_call_scrapes_fail_at_once_and_pile_up_nothing(
    driver: Driver, thread: DriverThread[int]
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(thread.call(), 0.05)
    threads = threading.active_count()
    for _ in range(20):
        with pytest.raises(TargetError, match=r"the driver has not answered for \d s") as caught:
            await thread.call()
        assert caught.value.reason is Reason.TIMEOUT
    assert (driver.calls, threading.active_count()) == (1, threads)
    driver.release.set()


async def test_a_call_that_comes_back_late_mends_everything(
    driver: Driver, thread: DriverThread[int], poll: Callable[..., None]
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(thread.call(), 0.05)
    driver.release.set()

    async def answers() -> int:
        try:
            return await thread.call()
        except TargetError:
            return 0

    end = time.monotonic() + 30
    while await answers() == 0:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_the_deadline_of_one_scrape_does_not_cancel_another(
    driver: Driver, thread: DriverThread[int]
) -> None:
    patient = asyncio.create_task(thread.call())
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(thread.call(), 0.05)
    driver.release.set()
    assert await patient == 1


async def test_what_the_call_raises_reaches_the_scrape() -> None:
    def fail() -> int:
        raise TargetError(Reason.UNAVAILABLE, "no driver")

    thread = DriverThread(fail)
    thread.start()
    for _ in range(2):
        with pytest.raises(TargetError, match="no driver"):
            await thread.call()

"""The searches over time, against an index that is played: what each document was counted as."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.errors import Reason, TargetError
from vectorwatch.logs.watch import Watch

from .played_index import Document, PlayedIndex

NOON = 1_795_780_800.0
INFO = ("application", "info", "search")


def watch_of(index: PlayedIndex, max_services: int = 10) -> Watch:
    return Watch(index.search, interval_seconds=15, max_services=max_services, clock=index.clock)


def arrive(index: PlayedIndex, *, ingested: float = 0, searchable: float = 0) -> None:
    """Add a document; both times in seconds from now."""
    index.documents.append(Document(INFO, index.now + ingested, index.now + searchable))


async def total(watch: Watch) -> float:
    await watch.read()  # a new series is 0 in its first reading
    arrivals, _ = await watch.read()
    return sum(arrivals.events.values())


async def test_what_is_there_at_the_start_is_not_counted_and_what_comes_is() -> None:
    index = PlayedIndex(NOON)
    arrive(index, ingested=-10)
    watch = watch_of(index)
    await watch.search_once()
    assert await total(watch) == 0
    arrive(index)
    index.now += 15
    await watch.search_once()
    await watch.search_once()
    assert await total(watch) == 1


async def test_a_document_that_becomes_searchable_late_is_counted_also_after_the_start_has_moved() -> None:
    index = PlayedIndex(NOON)
    watch = watch_of(index)
    await watch.search_once()
    for _ in range(100):  # 25 minutes: the start moves
        arrive(index, searchable=290)
        index.now += 15
        await watch.search_once()
    index.now += 300
    await watch.search_once()
    assert await total(watch) == 100
    starts = [since for since, _, _ in index.asked]
    assert len(set(starts)) > 3
    assert all(since >= NOON - 300 for since in starts)


async def test_a_search_never_looks_back_further_than_the_window_after_the_first() -> None:
    index = PlayedIndex(NOON)
    watch = watch_of(index)
    for _ in range(200):
        await watch.search_once()
        index.now += 15
    first, *later = index.asked
    assert first[2] == NOON - 24 * 3600
    for number, (since, _, look_back) in enumerate(later, start=1):
        assert look_back == since
        assert NOON + number * 15 - since <= 2 * 300 + 15


async def test_what_came_while_the_search_failed_is_counted_after_it() -> None:
    index = PlayedIndex(NOON)
    watch = watch_of(index)
    await watch.search_once()
    index.failure = TargetError(Reason.CONNECT, "refused")
    for _ in range(100):
        arrive(index)
        index.now += 15
        await watch.search_once()
    arrivals, failure = await watch.read()
    assert failure is not None
    assert failure.reason is Reason.CONNECT
    assert arrivals.delay_seconds is None
    index.failure = None
    await watch.search_once()
    assert await total(watch) == 100
    assert (await watch.read())[1] is None


async def test_a_gap_of_more_than_an_hour_is_not_counted() -> None:
    index = PlayedIndex(NOON)
    watch = watch_of(index)
    await watch.search_once()
    index.failure = TargetError(Reason.CONNECT, "refused")
    arrive(index)
    index.now += 3601
    await watch.search_once()
    index.failure = None
    await watch.search_once()
    assert await total(watch) == 0
    arrive(index)
    index.now += 15
    await watch.search_once()
    assert await total(watch) == 1


async def test_the_newest_document_of_the_last_day_is_known_from_the_start() -> None:
    index = PlayedIndex(NOON)
    arrive(index, ingested=-23 * 3600)
    watch = watch_of(index)
    await watch.search_once()
    index.now += 700
    await watch.search_once()
    arrivals, _ = await watch.read()
    assert arrivals.newest == {("application",): NOON - 23 * 3600}


async def test_a_reading_waits_for_the_first_search() -> None:
    watch = watch_of(PlayedIndex(NOON))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await watch.read()
    await watch.search_once()
    await watch.read()


async def test_a_defect_ends_no_search_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    index = PlayedIndex(NOON, failure=ZeroDivisionError("defect"))
    watch = watch_of(index)
    with caplog.at_level(logging.ERROR):
        await watch.search_once()
        await watch.search_once()
    _, failure = await watch.read()
    assert failure is not None
    assert failure.reason is Reason.INTERNAL
    assert len(caplog.records) == 1


@given(
    arrivals=st.lists(
        st.tuples(
            st.floats(0, 3000),
            st.floats(0, 299),
            st.sampled_from(["info", "error", "none"]),
            st.integers(0, 7),
        ),
        max_size=60,
    ),
    pauses=st.lists(st.floats(1, 400), min_size=1, max_size=40),
    max_services=st.integers(1, 9),
)
def test_each_document_is_counted_once_whatever_comes_when(
    arrivals: list[tuple[float, float, str, int]], pauses: list[float], max_services: int
) -> None:
    async def live() -> None:
        index = PlayedIndex(NOON)
        index.documents = [
            Document(("application", level, f"service{number}"), NOON + 0.5 + at, NOON + 0.5 + at + delay)
            for at, delay, level, number in arrivals
        ]
        watch = watch_of(index, max_services)
        await watch.search_once()
        for pause in [*pauses, 100]:
            index.now += pause
            await watch.search_once()
        lost = [document for document in index.documents if document.searchable > index.now]
        assert await total(watch) == len(arrivals) - len(lost)
        by_level: Counter[str] = Counter()
        for (_, level, _), number in (await watch.read())[0].events.items():
            by_level[level] += int(number)
        assert +by_level == Counter(
            document.key[1] for document in index.documents if document.searchable <= index.now
        )

    asyncio.run(live())

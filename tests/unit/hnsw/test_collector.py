"""The probe as a service: rounds in the background, scrapes that ask nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vectorwatch.errors import TargetError
from vectorwatch.hnsw import collector as module
from vectorwatch.hnsw.collector import Collector
from vectorwatch.hnsw.settings import HnswSettings
from vectorwatch.serve.metric import Sink

if TYPE_CHECKING:
    from .conftest import StandIn

Make = Callable[..., HnswSettings]
Until = Callable[..., Awaitable[None]]


@asynccontextmanager
async def running(settings: HnswSettings) -> AsyncIterator[Collector]:
    collector = Collector(settings, settings.target_book())
    async with collector.run():
        yield collector


def rounds(collector: Collector, url: str) -> int:
    probe = collector.probes.get(url)
    return probe.state.rounds if probe else 0


async def test_each_target_is_probed_on_its_own(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    make_settings: Make,
    free_port: Callable[[], int],
    until: Until,
) -> None:
    alive, dead = serve_stand_in(stand_in), f"http://127.0.0.1:{free_port()}"
    settings = make_settings(url=dead, targets=[{"url": alive}])
    async with running(settings) as collector:
        await until(lambda: rounds(collector, alive) > 0 and rounds(collector, dead) > 0)
        book = settings.target_book()
        good, bad = book.find(alive), book.find(dead)
        assert good is not None
        assert bad is not None
        await collector.collect(good, Sink(10_000))
        with pytest.raises(TargetError, match="the last round failed: connect"):
            await collector.collect(bad, Sink(10_000))


async def test_a_scrape_asks_the_server_nothing(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    make_settings: Make,
    until: Until,
) -> None:
    url = serve_stand_in(stand_in)
    async with running(make_settings(url=url)) as collector:
        await until(lambda: rounds(collector, url) == 1)
        asked = len(stand_in.requests)
        target = make_settings(url=url).first_target()
        for _ in range(20):
            sink = Sink(10_000)
            await collector.collect(target, sink)
            assert sink.series > 40
        assert len(stand_in.requests) == asked


async def test_before_the_first_round_a_target_is_not_up(make_settings: Make) -> None:
    settings = make_settings()
    collector = Collector(settings, settings.target_book())
    with pytest.raises(TargetError, match="the first round has not started yet"):
        await collector.collect(settings.first_target(), Sink(10_000))


async def test_targets_of_a_list_come_and_go_without_a_restart(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    make_settings: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
) -> None:
    monkeypatch.setattr(module, "_REREAD_SECONDS", 0.05)
    url, listed = serve_stand_in(stand_in), tmp_path / "qdrant.yml"
    listed.write_text("[]\n")
    async with running(make_settings(url=url, targets_file=str(listed))) as collector:
        await until(lambda: set(collector.probes) == {url})
        # The same server by another name is not probed twice.
        listed.write_text(f"- targets: ['{url.removeprefix('http://')}', 'other.invalid:6333']\n")
        await until(lambda: set(collector.probes) == {url, "http://other.invalid:6333"})
        listed.write_text("[]\n")
        await until(lambda: set(collector.probes) == {url})


async def test_nothing_runs_after_the_end(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    make_settings: Make,
    always: Callable[..., Any],
    until: Until,
) -> None:
    stand_in.fault = always("/points/query", hang_seconds=60)
    url = serve_stand_in(stand_in)
    before = asyncio.all_tasks()
    async with running(make_settings(url=url)):
        await until(lambda: stand_in.searches() > 0)  # it hangs in the middle of a round
    assert asyncio.all_tasks() == before


async def test_an_end_that_comes_while_a_target_is_dropped_is_not_lost() -> None:
    ending, may_end = asyncio.Event(), asyncio.Event()

    async def end_slowly() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ending.set()
            await may_end.wait()

    dropped = asyncio.create_task(end_slowly())
    await asyncio.sleep(0)
    dropping = asyncio.create_task(module._stop(dropped))
    await asyncio.wait_for(ending.wait(), 60)
    dropping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dropping
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await dropped

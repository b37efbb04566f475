"""The runs: all servers of the lists, one benchmark after another, at a fixed interval."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn, Protocol

import aiohttp

from vectorwatch.errors import TargetError
from vectorwatch.serve.http_client import open_session
from vectorwatch.serve.target_list import TargetList

from . import cache, qdrant
from .baseline import Folder
from .cache import CacheBenchmarks
from .figure import Figure
from .qdrant import QdrantBenchmarks
from .record import Record, Server
from .settings import BenchmarkSettings

log = logging.getLogger(__name__)

_KEPT_INTERVALS = 3
"""For so many runs a figure is shown that no run has made anew."""


class Benchmarks(Protocol):
    """What can be measured of one server."""

    label: str

    def measure(self) -> AsyncIterator[Figure]:
        """Yield the figures of one run. Raises TargetError."""


class Runner:
    """Makes the runs and keeps what they found in `record`."""

    def __init__(self, settings: BenchmarkSettings) -> None:
        self._settings = settings
        self.record = Record(Folder(settings.data), settings.baseline_runs)
        self._qdrants = TargetList(settings.qdrant_targets_file, settings.qdrant_at)
        self._caches = TargetList(settings.cache_targets_file, settings.cache_at)
        self._failures: dict[Server, str] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Make runs until the block ends. Raises BaselineError when nothing can be kept."""
        self.record.folder.create()
        self.record.load()
        async with open_session() as session:
            task = asyncio.create_task(self._run_on(session))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def run_once(self, session: aiohttp.ClientSession) -> None:
        """Measure every server once; a failure of one costs the others nothing."""
        await asyncio.to_thread(self.record.read_baselines)
        servers = await asyncio.to_thread(self._servers, session)
        oldest = time.time() - _KEPT_INTERVALS * self._settings.interval_seconds
        self.record.forget([server for server, _ in servers], oldest)
        for server, benchmarks in servers:
            await self._measure(server, benchmarks)
        await asyncio.to_thread(self.record.keep, time.time())

    async def _run_on(self, session: aiohttp.ClientSession) -> NoReturn:
        while True:
            start = time.monotonic()
            try:
                await self.run_once(session)
            except Exception:  # the one boundary: a defect here must not end the runs that follow
                log.exception("a run was ended by a defect of the benchmarks")
            # Runs that were missed are skipped, never caught up.
            await asyncio.sleep(max(1.0, self._settings.interval_seconds - (time.monotonic() - start)))

    def _servers(self, session: aiohttp.ClientSession) -> list[tuple[Server, Benchmarks]]:
        settings = self._settings
        qdrants = (
            QdrantBenchmarks(settings.qdrant_at(url), settings, session)
            for url in _list_urls(settings.qdrant_url, self._qdrants)
        )
        caches = (
            CacheBenchmarks(url, settings.cache_at(url), settings)
            for url in _list_urls(settings.cache_url, self._caches)
        )
        return [
            *((Server(qdrant.BACKEND, one.label), one) for one in qdrants),
            *((Server(cache.BACKEND, one.label), one) for one in caches),
        ]

    async def _measure(self, server: Server, benchmarks: Benchmarks) -> None:
        record, failure = self.record, ""
        try:
            async for figure in benchmarks.measure():
                record.add(figure, time.time())
        except TargetError as error:
            failure = f"{error.reason.value}: {error}"
        record.runs[server, "failure" if failure else "success"] += 1
        if not failure:
            record.last_run[server] = time.time()
        if failure and failure != self._failures.get(server):
            log.warning("%s: %s", server.name, failure)
        elif not failure and self._failures.get(server):
            log.info("%s: measured again", server.name)
        self._failures[server] = failure


def _list_urls(configured: str, listed: TargetList) -> list[str]:
    return list(dict.fromkeys([*([configured] if configured else []), *listed.addresses()]))

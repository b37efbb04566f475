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
from vectorwatch.serve.names import FreshNames
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
        connector, timeout = aiohttp.TCPConnector(resolver=FreshNames()), aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            task = asyncio.create_task(self._run_on(session))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def run_once(self, session: aiohttp.ClientSession) -> None:
        """Measure every server once; a failure of one costs the others nothing."""
        await asyncio.to_thread(self.record.read_baselines)
        servers = list(await asyncio.to_thread(lambda: list(self._servers(session))))
        self._forget(servers)
        for backend, benchmarks in servers:
            await self._measure(Server(backend, benchmarks.label), benchmarks)
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

    def _servers(self, session: aiohttp.ClientSession) -> list[tuple[str, Benchmarks]]:
        settings = self._settings
        urls = [url for url in (settings.qdrant_url,) if url] + self._qdrants.addresses()
        found: list[tuple[str, Benchmarks]] = [
            (qdrant.BACKEND, QdrantBenchmarks(settings.qdrant_at(url), settings, session))
            for url in dict.fromkeys(urls)
        ]
        urls = [url for url in (settings.cache_url,) if url] + self._caches.addresses()
        found += [
            (cache.BACKEND, CacheBenchmarks(url, settings.cache_at(url), settings))
            for url in dict.fromkeys(urls)
        ]
        return found

    def _forget(self, servers: list[tuple[str, Benchmarks]]) -> None:
        known = {Server(backend, benchmarks.label) for backend, benchmarks in servers}
        record = self.record
        for key in [key for key in record.runs if key[0] not in known]:
            del record.runs[key]
        record.forget_older_than(time.time() - _KEPT_INTERVALS * self._settings.interval_seconds)

    async def _measure(self, server: Server, benchmarks: Benchmarks) -> None:
        record, failure = self.record, ""
        try:
            async for figure in benchmarks.measure():
                record.add(figure, time.time())
        except TargetError as error:
            failure = f"{error.reason.value}: {error}"
        record.runs[server, "success"] += 0
        record.runs[server, "failure"] += 0
        record.runs[server, "failure" if failure else "success"] += 1
        if not failure:
            record.last_run[server] = time.time()
        if failure and failure != self._failures.get(server):
            log.warning("%s: %s", server.name, failure)
        elif not failure and self._failures.get(server):
            log.info("%s: measured again", server.name)
        self._failures[server] = failure

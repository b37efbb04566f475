"""What a scrape shows of one target: the state that its rounds left, without a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import open_session
from vectorwatch.serve.metric import Sink
from vectorwatch.serve.settings import ConfiguredTargets

from .metrics import expose
from .probe import Probe
from .settings import HnswSettings, ProbeTarget

# How soon a target that was added to `targets_file` is probed.
_REREAD_SECONDS = 15.0


@dataclass(frozen=True)
class _Running:
    probe: Probe
    task: asyncio.Task[None]


class Collector:
    """Runs a probe for each allowed target and exposes what they know."""

    def __init__(self, settings: HnswSettings, book: ConfiguredTargets[ProbeTarget]) -> None:
        self._settings = settings
        self._book = book
        self._running: dict[str, _Running] = {}

    @property
    def probes(self) -> Mapping[str, Probe]:
        """Return the probes by their target's URL: a server with two names is probed once."""
        return {url: running.probe for url, running in self._running.items()}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Probe all targets, and those that `targets_file` gains, until the block ends."""
        async with open_session() as session:
            follower = asyncio.create_task(self._follow_book(session))
            try:
                yield
            finally:
                await _stop(follower)
                for url in list(self._running):
                    await self._drop(url)

    async def collect(self, target: ProbeTarget, sink: Sink) -> None:
        """Put what is known of `target` into `sink`. Raises TargetError when its last round failed."""
        running = self._running.get(target.url)
        if running is None:
            raise TargetError(Reason.PARTIAL, "the first round has not started yet")
        state = running.probe.state
        expose(
            state,
            sink,
            stale_after_seconds=self._settings.stale_after_seconds,
            max_series=self._settings.max_series,
        )
        state.check()

    async def _follow_book(self, session: aiohttp.ClientSession) -> None:
        while True:
            wanted = await asyncio.to_thread(self._read_book)
            for url in self._running.keys() - wanted.keys():
                await self._drop(url)
            for url, target in wanted.items():
                if url not in self._running:
                    probe = Probe(target, self._settings, session)
                    self._running[url] = _Running(probe, asyncio.create_task(probe.run()))
            await asyncio.sleep(_REREAD_SECONDS)

    def _read_book(self) -> dict[str, ProbeTarget]:
        """Return the allowed targets by URL, the configured ones first."""
        found = [self._book.find(label) for label in self._book.labels()]
        wanted: dict[str, ProbeTarget] = {}
        for target in found:
            if target is not None:
                wanted.setdefault(target.url, target)
        return wanted

    async def _drop(self, url: str) -> None:
        await _stop(self._running.pop(url).task)


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel `task` and wait for its end; a cancellation of the caller passes through."""
    task.cancel()
    await asyncio.wait([task])

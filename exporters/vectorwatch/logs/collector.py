"""Read the four sources side by side into rows; one that fails takes nothing from the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import open_session
from vectorwatch.serve.metric import Sink, Table

from . import logstash_metrics, metrics
from .client import Client
from .kibana import AVAILABLE
from .metrics import SourceState
from .settings import LogPipeline, LogsSettings
from .watch import Watch


@dataclass(frozen=True)
class _Source:
    """One source: `read` puts its rows into the sink and tells whether it is well."""

    name: str
    read: Callable[[Sink], Awaitable[bool]]
    up: Table[SourceState] | None


class Collector:
    """Scrapes, and runs the searches that count events; `run` it inside the event loop."""

    def __init__(self, settings: LogsSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._watch: Watch | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep connections, and search Elasticsearch where it has a URL, until the block ends."""
        async with open_session() as session:
            self._client = Client(self._settings, session)
            self._watch = Watch(
                self._client.arrivals,
                interval_seconds=self._settings.interval_seconds,
                max_services=self._settings.max_services,
            )
            task = asyncio.create_task(self._watch.run()) if self._settings.elasticsearch_url else None
            try:
                yield
            finally:
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    async def collect(self, _: LogPipeline, sink: Sink) -> None:
        """Put what every source says into `sink`. Raises TargetError when one could not be read."""
        sources = list(self._sources())
        ends = await asyncio.gather(*(_read(source, sink) for source in sources), return_exceptions=True)
        failures: list[tuple[str, TargetError]] = []
        for source, end in zip(sources, ends, strict=True):
            if isinstance(end, TargetError):
                failures.append((source.name, end))
            elif isinstance(end, BaseException):
                raise end
        if failures:
            reasons = {error.reason for _, error in failures}
            all_failed = len(failures) == len(sources) and len(reasons) == 1
            said = "; ".join(f"{name}: {error}" for name, error in failures)
            raise TargetError(failures[0][1].reason if all_failed else Reason.PARTIAL, said)

    def _sources(self) -> list[_Source]:
        settings = self._settings
        known = (
            (settings.logstash_url, _Source("logstash", self._read_logstash, metrics.LOGSTASH_UP)),
            (settings.filebeat_url, _Source("filebeat", self._read_filebeat, metrics.FILEBEAT_UP)),
            (settings.kibana_url, _Source("kibana", self._read_kibana, metrics.KIBANA_UP)),
            (settings.elasticsearch_url, _Source("elasticsearch", self._read_elasticsearch, None)),
        )
        return [source for url, source in known if url]

    @property
    def _requests(self) -> Client:
        if self._client is None:
            raise RuntimeError("Collector.run was not entered")
        return self._client

    async def _read_logstash(self, sink: Sink) -> bool:
        node = await self._requests.logstash()
        sink.add(logstash_metrics.NODE, [node])
        sink.add(logstash_metrics.PIPELINES, node.pipelines)
        plugins = [plugin for pipeline in node.pipelines for plugin in pipeline.plugins]
        sink.add(logstash_metrics.PLUGINS, plugins)
        sink.add(logstash_metrics.OUTPUTS, plugins)
        return True

    async def _read_filebeat(self, sink: Sink) -> bool:
        sink.add(metrics.FILEBEAT, [await self._requests.filebeat()])
        return True

    async def _read_kibana(self, sink: Sink) -> bool:
        level = await self._requests.kibana()
        sink.add(metrics.KIBANA, [level])
        return level == AVAILABLE

    async def _read_elasticsearch(self, sink: Sink) -> bool:
        if self._watch is None:
            raise RuntimeError("Collector.run was not entered")
        arrivals, failure = await self._watch.read()
        sink.add(metrics.ARRIVALS, [arrivals])
        if failure is not None:
            raise failure
        return True


async def _read(source: _Source, sink: Sink) -> None:
    """Read one source; whatever ends it, its own rows say so."""
    reason: Reason | None = Reason.INTERNAL
    well = False
    try:
        well = await source.read(sink)
        reason = None
    except TargetError as error:
        reason = error.reason
        raise
    except asyncio.CancelledError:  # the scrape's deadline
        reason = Reason.TIMEOUT
        raise
    finally:
        state = SourceState(source.name, reason, well)
        sink.add(metrics.SOURCES, [state])
        if source.up is not None:
            sink.add(source.up, [state])

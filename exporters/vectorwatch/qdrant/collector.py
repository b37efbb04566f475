"""Read one Qdrant node into rows."""

from __future__ import annotations

import asyncio
from typing import cast

import aiohttp

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, open_session
from vectorwatch.serve.http_target import HttpTarget
from vectorwatch.serve.metric import Sink

from . import metrics
from .client import QdrantClient
from .settings import QdrantSettings


class Collector:
    """Reads targets over one shared session; `open` it inside the event loop."""

    def __init__(self, settings: QdrantSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> aiohttp.ClientSession:
        """Create the session; the caller closes it."""
        self._session = open_session(limit=0, limit_per_host=self._settings.max_concurrency)
        return self._session

    async def collect(self, target: HttpTarget, sink: Sink) -> None:
        """Put everything that `target` says into `sink`. Raises TargetError."""
        client = self._client(target)
        names, distributed = await self._read_node(client, sink)
        await self._read_collections(client, names, distributed, sink)

    def _client(self, target: HttpTarget) -> QdrantClient:
        if self._session is None:
            raise RuntimeError("Collector.open was not called")
        return QdrantClient(
            JsonClient(
                self._session, target.url, target.headers(), target.tls(), self._settings.max_answer_bytes
            )
        )

    async def _read_node(self, client: QdrantClient, sink: Sink) -> tuple[list[str], bool]:
        """Read what is not about one collection; raise the first error, but keep what could be read."""
        answers = await asyncio.gather(
            client.version(),
            client.names(),
            client.aliases(),
            client.consensus(),
            client.issues(),
            client.ready(),
            return_exceptions=True,
        )
        version, names, aliases, consensus, issues, ready = answers
        failure = next((answer for answer in answers if isinstance(answer, BaseException)), None)
        if isinstance(version, str):
            sink.add(metrics.VERSION, [version])
        if isinstance(aliases, dict):
            sink.add(metrics.ALIASES, [aliases])
        if isinstance(issues, dict):
            sink.add(metrics.ISSUES, [issues])
        if isinstance(ready, bool):
            sink.add(metrics.READY, [ready])
        if not isinstance(consensus, BaseException):
            sink.add(metrics.CLUSTER_MODE, [consensus is not None])
            sink.add(metrics.CONSENSUS, [consensus] if consensus else [])
        if failure is not None:
            raise failure
        return cast("list[str]", names), consensus is not None

    async def _read_collections(
        self, client: QdrantClient, names: list[str], distributed: bool, sink: Sink
    ) -> None:
        chosen = names[: self._settings.max_collections]
        failures: list[TargetError] = []
        queue = iter(chosen)

        async def work() -> None:
            for name in queue:
                try:
                    await self._read_collection(client, name, distributed, sink)
                except TargetError as error:
                    failures.append(error)

        # A few workers on one queue: ten thousand waiting tasks would cost more than the requests.
        await asyncio.gather(*(work() for _ in range(min(len(chosen), self._settings.max_concurrency))))
        reading = metrics.Reading(len(names), len(failures), len(names) - len(chosen))
        sink.add(metrics.READING, [reading])
        if failures:
            reason = failures[0].reason if len(failures) == len(chosen) else Reason.PARTIAL
            raise TargetError(reason, f"{len(failures)} of {len(chosen)} collections: {failures[0]}")

    async def _read_collection(self, client: QdrantClient, name: str, distributed: bool, sink: Sink) -> None:
        collection = await client.collection(name)
        if collection is None:
            return
        sink.add(metrics.COLLECTIONS, [collection])
        # A server that runs alone has one copy of each shard and nothing to say about it.
        if distributed:
            sink.add(metrics.COLLECTION_CLUSTERS, [await client.collection_cluster(name)])

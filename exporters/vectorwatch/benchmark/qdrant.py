"""Benchmarks of a Qdrant: reading alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any
from urllib.parse import quote

import aiohttp

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, answer_within
from vectorwatch.serve.http_target import HttpTarget

from .figure import Figure, Subject, measure
from .settings import BenchmarkSettings

BACKEND = "qdrant"
_QUERIES = 16
"""Different ones, so that no cache of one answer is measured."""


class QdrantBenchmarks:
    """Measures one server; `measure` raises TargetError when that cannot be done."""

    def __init__(
        self, target: HttpTarget, settings: BenchmarkSettings, session: aiohttp.ClientSession
    ) -> None:
        self.label = target.label
        self._settings = settings
        self._target = target
        self._session = session

    async def measure(self) -> AsyncIterator[Figure]:
        """Yield the figures of one run: the way there and back, then a search in each collection."""
        client = JsonClient(self._session, self._target.url, self._target.headers(), self._target.tls())

        async def ping(_number: int) -> None:
            await self._ask(client, "GET", "/collections")

        yield await self._time(Subject(BACKEND, self.label, "", "ping"), {}, ping)
        for name in await self._collections(client):
            figure = await self._search(client, name)
            if figure is not None:
                yield figure

    async def _collections(self, client: JsonClient) -> list[str]:
        answer = await self._ask(client, "GET", "/collections")
        try:
            names = sorted(str(entry["name"]) for entry in answer["result"]["collections"])
        except (KeyError, TypeError) as error:
            raise TargetError(Reason.DECODE, "/collections: no list of collections") from error
        wanted = self._settings.collections
        return [name for name in names if not wanted or name in wanted][: self._settings.max_collections]

    async def _search(self, client: JsonClient, name: str) -> Figure | None:
        """Return how long a search takes; None where nothing is stored or the index is being built."""
        path = f"/collections/{quote(name, safe='')}"
        answer = await self._ask(client, "GET", path)
        try:
            state = answer["result"]
            points, vectors = int(state["points_count"] or 0), state["config"]["params"]["vectors"]
            vector_name, size = _first_dense(vectors)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TargetError(Reason.DECODE, f"{path}: no state of a collection") from error
        # While its optimizer works a collection is slow on purpose, and what it will be is not to be seen.
        if not points or not size or state.get("status") != "green":
            return None
        body: dict[str, Any] = {"limit": self._settings.k, "with_payload": False}
        if vector_name:
            body["using"] = vector_name
        # The same at each run, also after a restart: what is asked must never be what has changed.
        noise = Random(f"{name} {size}")  # noqa: S311  # no secret
        queries = [[noise.gauss(0.0, 1.0) for _ in range(size)] for _ in range(_QUERIES)]

        async def search(number: int) -> None:
            query = {**body, "query": queries[number % _QUERIES]}
            await self._ask(client, "POST", f"{path}/points/query", query)

        subject = Subject(BACKEND, self.label, name, "search")
        conditions = {"points": points, "vector_size": size, "k": self._settings.k}
        return await self._time(subject, conditions, search)

    async def _time(self, subject: Subject, conditions: Mapping[str, int], request: Any) -> Figure:
        settings = self._settings
        return await measure(
            subject,
            conditions,
            request,
            requests=settings.requests,
            longest_seconds=settings.longest_seconds,
        )

    async def _ask(
        self, client: JsonClient, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        async with answer_within(self._settings.timeout_seconds):
            return await client.request(method, path, body)


def _first_dense(vectors: Mapping[str, Any]) -> tuple[str, int]:
    """Return name and size of the first dense vector, size 0 where there is none.

    Raises KeyError, TypeError, AttributeError.
    """
    if "size" in vectors:
        return "", 0 if vectors.get("multivector_config") else int(vectors["size"])
    for name in sorted(vectors):
        if not vectors[name].get("multivector_config"):
            return name, int(vectors[name]["size"])
    return "", 0

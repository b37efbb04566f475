"""The requests to one Qdrant server: one method each, reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, StatusError

from .answer import (
    A,
    Aliases,
    Collection,
    Count,
    Issue,
    Issues,
    Names,
    Point,
    Points,
    Spread,
    read_answer,
)

NOT_FOUND = 404
_FORBIDDEN = 403


@dataclass(frozen=True)
class StoreClient:
    """One Qdrant node. Every method raises TargetError."""

    http: JsonClient
    timeout_seconds: float

    async def names(self) -> frozenset[str]:
        """Return the names of all collections."""
        answer = await self._ask(Names, "GET", "/collections")
        return frozenset(one.name for one in answer.collections)

    async def aliases(self) -> dict[str, str]:
        """Return collection names by alias."""
        answer = await self._ask(Aliases, "GET", "/aliases")
        return {one.alias_name: one.collection_name for one in answer.aliases}

    async def issues(self) -> Sequence[Issue] | None:
        """Return what the server itself complains of; None when this key may not know.

        Some versions ask here for the right to manage, which a read-only key lacks.
        """
        try:
            return (await self._ask(Issues, "GET", "/issues")).issues
        except StatusError as error:
            if error.status == NOT_FOUND:  # a server older than this route
                return ()
            if error.status == _FORBIDDEN:
                return None
            raise

    async def collection(self, name: str) -> Collection:
        """Return the state of a collection."""
        return await self._ask(Collection, "GET", _path(name))

    async def spread(self, name: str) -> Spread:
        """Return where the shards of a collection are."""
        return await self._ask(Spread, "GET", f"{_path(name)}/cluster")

    async def count(self, name: str) -> int:
        """Return how many points a collection has, counted one by one."""
        return (await self._ask(Count, "POST", f"{_path(name)}/points/count", {"exact": True})).count

    async def sample(self, name: str, fields: Sequence[str], limit: int) -> Sequence[Point]:
        """Return the payload `fields` of the first points in order of their ids."""
        body = {"limit": limit, "with_payload": {"include": list(fields)}, "with_vector": False}
        return (await self._ask(Points, "POST", f"{_path(name)}/points/scroll", body)).points

    async def _ask(self, model: type[A], method: str, path: str, body: Mapping[str, Any] | None = None) -> A:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                document = await self.http.request(method, path, body)
        except TimeoutError:
            raise TargetError(
                Reason.TIMEOUT, f"{path}: no answer within {self.timeout_seconds:g} s; try a longer --timeout"
            ) from None
        return read_answer(model, document, path)


def _path(collection: str) -> str:
    return f"/collections/{quote(collection, safe='')}"

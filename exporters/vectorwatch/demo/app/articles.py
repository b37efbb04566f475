"""The passages in Qdrant: a collection behind an alias, made anew beside the old one and then switched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException

from vectorwatch.instrument import track

from . import ALIAS
from .embedding import Embedding, Vector
from .passages import Passage

_TIMEOUT_SECONDS = 10
_BATCH = 60
_SAME = 0.99
"""Least cosine of two vectors of one text by one model."""
_INDEXES = {"subject": models.PayloadSchemaType.KEYWORD, "words": models.PayloadSchemaType.INTEGER}

Failures = (ApiException, httpx.HTTPError, OSError)


@dataclass(frozen=True)
class Source:
    """A passage that was found."""

    number: int
    subject: str
    text: str
    score: float


class Articles:
    """What the service searches; every method raises one of `Failures`."""

    def __init__(self, url: str, embedding: Embedding, passages: Sequence[Passage]) -> None:
        self._client = AsyncQdrantClient(url=url, timeout=_TIMEOUT_SECONDS, check_compatibility=False)
        self._embedding = embedding
        self._passages = passages
        self._active = 0
        self.ready = False
        """Whether all passages have been written."""
        self.delay_seconds = 0.0
        """How much longer each search takes; other than 0 only while the fault `slow_search` is on."""

    async def check(self) -> dict[str, int | str]:
        """Say which collection is behind the alias and how many passages it has."""
        found = await self._client.count(ALIAS, exact=True)
        return {"collection": await self._find_collection(), "passages": found.count}

    async def prepare(self) -> None:
        """Make the collection unless it is there, complete, and of this embedding."""
        current = await self._find_collection()
        if current and await self._is_complete(current) and await self._is_of_this_embedding(current):
            self.ready = True
            return
        await self.reindex()

    async def reindex(self) -> str:
        """Write all passages into a new collection, move the alias, delete the old ones; return its name."""
        old = await self._list_collections()
        name = f"{ALIAS}_v{max((_version(one) for one in old), default=0) + 1}"
        with track.qdrant_index("create_collection", ALIAS):
            size = self._embedding.dimensions
            await self._client.create_collection(
                name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE)
            )
        for first in range(0, len(self._passages), _BATCH):
            with track.qdrant_index("upsert", ALIAS):
                await self._client.upsert(name, await asyncio.to_thread(self._make_points, first), wait=True)
        for field in _INDEXES:
            await self.index_payload(name, field)
        await self._move_alias(name)
        self.ready = True
        for one in old:
            with track.qdrant_index("delete_collection", ALIAS):
                await self._client.delete_collection(one)
        return name

    async def index_payload(self, collection: str, field: str) -> None:
        """Create the payload index of `field`."""
        with track.payload_indexing("create", _INDEXES[field].value):
            await self._client.create_payload_index(collection, field, _INDEXES[field])

    async def move_alias_astray(self) -> None:
        """Move the alias to a collection that is not there: a fault on request that the server refuses."""
        await self._move_alias(f"{ALIAS}_v0_missing")

    async def index_payload_astray(self) -> None:
        """Index a collection that does not exist: a fault on request, which the server refuses."""
        await self.index_payload(f"{ALIAS}_v0_missing", "subject")

    async def read_alias(self) -> str:
        """Return the collection behind the alias."""
        with track.alias_operation("list"):
            return await self._find_collection()

    async def search(self, vector: Vector, limit: int, subject: str = "") -> list[Source]:
        """Return the passages nearest to `vector`, of one subject if given."""
        self._active += 1
        try:
            kind = "filtered" if subject else "query"
            with track.query("search", ALIAS), track.qdrant_search(ALIAS, kind):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                answer = await self._client.query_points(
                    ALIAS,
                    query=vector.tolist(),
                    query_filter=_filter_subject(subject) if subject else None,
                    limit=limit,
                    with_payload=True,
                )
        finally:
            self._active -= 1
        return [_read_source(point) for point in answer.points]

    async def get(self, number: int) -> Source | None:
        """Return one passage, or None."""
        with track.query("retrieve", ALIAS):
            found = await self._client.retrieve(ALIAS, ids=[number], with_payload=True)
        return _read_source(found[0]) if found else None

    def record_pool(self) -> None:
        """Record how many searches run; httpx bounds its connections to 100."""
        track.connection_pool("qdrant", size=100, active=self._active)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _is_complete(self, collection: str) -> bool:
        return (await self._client.count(collection, exact=True)).count == len(self._passages)

    async def _is_of_this_embedding(self, collection: str) -> bool:
        found = await self._client.retrieve(collection, ids=[self._passages[0].number], with_vectors=True)
        if not found:
            return False
        stored = np.asarray(found[0].vector, dtype=np.float32)
        own = self._embedding.embed(self._passages[0].text)
        return stored.shape == own.shape and bool(np.dot(stored, own) > _SAME)

    async def _move_alias(self, collection: str) -> None:
        create = models.CreateAlias(collection_name=collection, alias_name=ALIAS)
        with track.alias_operation("switch"):
            # Creating an alias that exists moves it, in one step.
            await self._client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])

    async def _find_collection(self) -> str:
        aliases = (await self._client.get_aliases()).aliases
        return next((one.collection_name for one in aliases if one.alias_name == ALIAS), "")

    async def _list_collections(self) -> list[str]:
        found = (await self._client.get_collections()).collections
        return [one.name for one in found if re.fullmatch(rf"{ALIAS}_v\d+", one.name)]

    def _make_points(self, first: int) -> list[models.PointStruct]:
        return [
            models.PointStruct(
                id=passage.number,
                vector=self._embedding.embed(passage.text).tolist(),
                payload=passage.payload,
            )
            for passage in self._passages[first : first + _BATCH]
        ]


def _version(collection: str) -> int:
    return int(collection.rpartition("_v")[2])


def _filter_subject(subject: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key="subject", match=models.MatchValue(value=subject))])


def _read_source(point: models.ScoredPoint | models.Record) -> Source:
    payload = point.payload or {}
    score = getattr(point, "score", 1.0)
    return Source(int(point.id), str(payload.get("subject", "")), str(payload.get("text", "")), float(score))

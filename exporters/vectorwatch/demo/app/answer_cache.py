"""Answers and hypothetical documents in DragonflyDB, Valkey or Redis: bounded in number, age and waiting."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from vectorwatch.instrument import track

from .embedding import find_words

_TIMEOUT_SECONDS = 0.5
_CONNECTIONS = 16
_DOCUMENT_SECONDS = 86_400
_SAMPLED = 10
_INDEX = "demo-app:answers"
"""A sorted set of the keys of answers by the time when each was written."""

Failures = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True)
class Found:
    """A cached answer and its age."""

    answer: dict[str, Any]
    age_seconds: float


class AnswerCache:
    """The cache; every method raises one of `Failures` when it does not answer in time."""

    def __init__(self, url: str, answer_seconds: int, entries: int) -> None:
        self._client = redis.asyncio.Redis.from_url(
            url,
            max_connections=_CONNECTIONS,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            # No retries: an answer must not wait for a cache that is gone.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._seconds = answer_seconds
        self.entries = entries
        self._hits: dict[str, int] = defaultdict(int)
        self._asked: dict[str, int] = defaultdict(int)

    async def check(self) -> dict[str, int]:
        """Ask whether it answers."""
        await self._client.ping()
        return {"answers": int(await self._client.zcard(_INDEX)), "capacity": self.entries}

    async def get(self, key: str, mode: str) -> Found | None:
        """Return the cached answer, or None."""
        content = await self._client.get(key)
        self._asked[mode] += 1
        if content is None:
            track.cache_operation("miss", mode)
            return None
        self._hits[mode] += 1
        kept = json.loads(content)
        found = Found(kept["answer"], max(0.0, time.time() - kept["written"]))
        track.cache_operation("hit", mode, entry_age_seconds=found.age_seconds)
        return found

    async def put(self, key: str, mode: str, answer: dict[str, Any]) -> None:
        """Keep an answer for a while; the oldest gives way when there are too many."""
        now = time.time()
        content = json.dumps({"answer": answer, "written": now}, separators=(",", ":"))
        await self._client.set(key, content, ex=self._seconds)
        await self._client.zadd(_INDEX, {key: now})
        track.cache_operation("write", mode)
        surplus = int(await self._client.zcard(_INDEX)) - self.entries
        if surplus > 0:
            oldest = await self._list_oldest(surplus)
            await self._forget(oldest)
            for _ in oldest:
                track.cache_operation("evict", mode)

    async def invalidate(self) -> None:
        """Forget every answer: the passages have changed."""
        await self._forget(await self._list_oldest(0))
        track.cache_operation("invalidate", "all")

    async def get_document(self, subject: str) -> str | None:
        """Return the hypothetical document about `subject`, or None; counts hit or miss."""
        document = await self._client.get(f"demo-app:hyde:{subject}")
        track.hyde_cache(hit=document is not None)
        return None if document is None else str(document)

    async def put_document(self, subject: str, document: str) -> None:
        """Keep a hypothetical document for a day."""
        await self._client.set(f"demo-app:hyde:{subject}", document, ex=_DOCUMENT_SECONDS)

    async def forget_documents(self) -> None:
        """Forget every hypothetical document."""
        keys = [key async for key in self._client.scan_iter("demo-app:hyde:*")]
        await self._forget(keys)

    async def record_state(self) -> None:
        """Record entries, memory (from a sample of the entries) and hit rates since the last time."""
        # What has expired leaves the index here.
        await self._client.zremrangebyscore(_INDEX, 0, time.time() - self._seconds)
        entries = int(await self._client.zcard(_INDEX))
        sample = await self._list_oldest(_SAMPLED)
        sizes = [size for key in sample if (size := await self._client.memory_usage(key))]
        rates = {mode: self._hits[mode] / asked for mode, asked in self._asked.items() if asked}
        track.cache_state(
            entries=entries,
            memory_bytes=int(entries * sum(sizes) / len(sizes)) if sizes else 0,
            capacity_entries=self.entries,
            hit_rate_by_mode=rates,
        )
        if sum(self._asked.values()) > 1_000:
            # Half of what was: the rate follows the last thousand or so look-ups.
            for counts in (self._hits, self._asked):
                for mode in counts:
                    counts[mode] //= 2

    def record_pool(self) -> None:
        """Record the connections."""
        pool = self._client.connection_pool
        active = len(getattr(pool, "_in_use_connections", ()))
        track.connection_pool("cache", size=_CONNECTIONS, active=active)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _list_oldest(self, count: int) -> list[str]:
        """Return the keys of the oldest answers; all for 0."""
        return [str(key) for key in await self._client.zrange(_INDEX, 0, count - 1)]

    async def _forget(self, keys: list[str]) -> None:
        if keys:
            await self._client.delete(*keys)
            await self._client.zrem(_INDEX, *keys)


def answer_key(question: str, mode: str) -> str:
    """Return the key of an answer: the same words in the same order make the same key."""
    words = " ".join(find_words(question))
    return f"demo-app:answer:{sha256(f'{mode}|{words}'.encode()).hexdigest()[:24]}"

"""The cached answers: what the searches found, in Redis' protocol, each with a time to live."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

Answer = list[dict[str, Any]]

_TIMEOUT_SECONDS = 1.0


class Answers:
    """A cache of answers; every method raises `redis.RedisError`."""

    def __init__(self, url: str, choose_seconds: Callable[[], int]) -> None:
        self._choose_seconds = choose_seconds
        # No retries here: a search must not wait for a cache that is gone.
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def get(self, key: str) -> Answer | None:
        """Return the cached answer, or None."""
        content = self._client.get(key)
        return None if content is None else json.loads(content)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer for a while."""
        self._client.set(key, json.dumps(answer), ex=self._choose_seconds())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

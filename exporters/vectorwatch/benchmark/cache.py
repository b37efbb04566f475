"""Benchmarks of a cache that speaks the Redis protocol: on keys of their own, which expire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import redis.asyncio
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from vectorwatch.errors import Reason, TargetError

from .figure import Figure, Subject, measure
from .settings import BenchmarkSettings

BACKEND = "cache"
KEYS = "vectorwatch:benchmark:"
_KEYS = 10
_LIFE_SECONDS = 60


class CacheBenchmarks:
    """Measures one server; `measure` raises TargetError when that cannot be done."""

    def __init__(self, label: str, url: str, settings: BenchmarkSettings) -> None:
        self.label = label
        self._url = url
        self._settings = settings

    async def measure(self) -> AsyncIterator[Figure]:
        """Yield the figures of one run: PING, then SET, GET and MGET of ten keys. Raises TargetError."""
        settings = self._settings
        client = redis.asyncio.from_url(
            self._url,
            username=settings.cache_username,
            password=settings.cache_secret(),
            socket_timeout=settings.timeout_seconds,
            socket_connect_timeout=settings.timeout_seconds,
            single_connection_client=True,
            **(
                {"ssl_ca_certs": str(settings.cache_ca_file)}
                if settings.cache_ca_file and self._url.startswith("rediss:")
                else {}
            ),
        )
        try:
            async with client:
                async for figure in self._measure(client):
                    yield figure
        except (AuthenticationError, NoPermissionError) as error:
            raise TargetError(Reason.AUTH, f"refused: {error}") from error
        except (redis.exceptions.TimeoutError, TimeoutError) as error:
            raise TargetError(Reason.TIMEOUT, f"no answer within {settings.timeout_seconds:g} s") from error
        except (RedisError, OSError) as error:
            raise TargetError(Reason.CONNECT, f"{type(error).__name__}: {error}") from error

    async def _measure(self, client: redis.asyncio.Redis) -> AsyncIterator[Figure]:
        size = self._settings.value_bytes
        value = b"v" * size
        names = [f"{KEYS}{number}" for number in range(_KEYS)]
        benchmarks: dict[str, Callable[[int], Awaitable[object]]] = {
            "ping": lambda _number: client.ping(),
        }
        if self._settings.cache_writes:
            benchmarks |= {
                "set": lambda number: client.set(names[number % _KEYS], value, ex=_LIFE_SECONDS),
                "get": lambda number: client.get(names[number % _KEYS]),
                "mget": lambda _number: client.mget(names),
            }
        try:
            for name, request in benchmarks.items():
                yield await measure(
                    Subject(BACKEND, self.label, "", name),
                    {} if name == "ping" else {"value_bytes": size},
                    request,
                    requests=self._settings.requests,
                    longest_seconds=self._settings.longest_seconds,
                )
        finally:
            if self._settings.cache_writes:
                await client.delete(*names)

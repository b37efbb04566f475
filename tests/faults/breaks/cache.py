"""A cache that is full, and one with too many clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import redis

from tests.faults.scene import Scene
from vectorwatch.demo import CACHE
from vectorwatch.demo.ports import HOST

_PIECE_BYTES = 10_000
_HOARD = "hoard"
_CLIENTS = 400
_CLIENTS_RATIO = 0.97
_AMPLE_BYTES = 64 * 2**20


@contextmanager
def fill(scene: Scene) -> Iterator[None]:
    """Forbid evictions and fill the cache with a list that never expires."""
    with closing(_connect(scene)) as client:
        policy = str(client.config_get("maxmemory-policy")["maxmemory-policy"])
        client.config_set("maxmemory-policy", "noeviction")
        with suppress(redis.exceptions.OutOfMemoryError):
            while True:
                client.rpush(_HOARD, "x" * _PIECE_BYTES)
        yield
        client.config_set("maxmemory-policy", policy)
        client.delete(_HOARD)


@contextmanager
def crowd(scene: Scene) -> Iterator[None]:
    """Open idle connections until few of those that are allowed are left.

    Their buffers alone would fill the small cache of the demo, so that it gets more memory meanwhile.
    """
    with closing(_connect(scene)) as client:
        most, memory = (str(client.config_get(name)[name]) for name in ("maxclients", "maxmemory"))
        client.config_set("maxmemory", _AMPLE_BYTES)
        client.config_set("maxclients", _CLIENTS)
        wanted = int(_CLIENTS * _CLIENTS_RATIO) - int(client.info("clients")["connected_clients"])
        idle = [_connect(scene) for _ in range(wanted)]
        for one in idle:
            one.ping()
        yield
        for one in idle:
            one.close()
        client.config_set("maxclients", most)
        client.config_set("maxmemory", memory)


def _connect(scene: Scene) -> redis.Redis:
    port = scene.stack.site.ports[CACHE]
    return redis.Redis(host=HOST, port=port, single_connection_client=True, decode_responses=True)

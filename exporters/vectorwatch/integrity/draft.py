"""An expectations file from what is there now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import yaml

from vectorwatch.serve.http_target import HttpTarget

from .answer import Collection
from .client import StoreClient
from .expectations import Distance, IndexType
from .verify import connect, open_few

_POINTS_KEPT = 0.9
_INDEXED_PERCENT = 90


async def draft(target: HttpTarget, timeout_seconds: float) -> str:
    """Return the text of a file that expects what `target` holds. Raises TargetError."""
    async with open_few() as session:
        client = connect(session, target, timeout_seconds)
        collections = {name: await _describe(client, name) for name in sorted(await client.names())}
        server: dict[str, Any] = {"url": target.url}
        if target.api_key_file:
            server["api_key_file"] = str(target.api_key_file)
        server |= {"collections": collections, "aliases": dict(sorted((await client.aliases()).items()))}
    body = yaml.safe_dump(
        {"servers": {"qdrant": {key: value for key, value in server.items() if value}}},
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"# What stood there at {now}; `points` asks for {_POINTS_KEPT:.0%} of what was counted.\n"
        f"# Correct what you know better, then: vectorwatch verify --expect <this file>\n{body}"
    )


async def _describe(client: StoreClient, name: str) -> dict[str, Any]:
    found = await client.collection(name)
    vectors = {
        vector: {"size": one.size, "distance": one.distance}
        for vector, one in found.dense_vectors.items()
        if one.distance in get_args(Distance)
    }
    described: dict[str, Any] = {
        "points": {"min": int(await client.count(name) * _POINTS_KEPT)},
        "vector": vectors.pop("", None),
        "vectors": vectors,
        "sparse_vectors": sorted(found.config.params.sparse_vectors),
        "payload_indexes": {
            field: index.data_type
            for field, index in sorted(found.payload_schema.items())
            if index.data_type in get_args(IndexType)
        },
        "replication_factor": found.config.params.replication_factor,
        "indexed_min_percent": _describe_index(found),
    }
    return {key: value for key, value in described.items() if value}


def _describe_index(found: Collection) -> int | None:
    percent = found.indexed_percent
    return _INDEXED_PERCENT if percent is not None and percent >= _INDEXED_PERCENT else None

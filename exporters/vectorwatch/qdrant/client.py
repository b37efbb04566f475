"""The requests that the exporter makes: one method each, reading only."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from vectorwatch.serve.http_client import JsonClient, StatusError

from .snapshot import (
    Collection,
    CollectionCluster,
    Consensus,
    parse_aliases,
    parse_collection,
    parse_collection_cluster,
    parse_consensus,
    parse_issues,
    parse_names,
    parse_version,
    result_of,
)

_NOT_FOUND = 404


@dataclass(frozen=True)
class QdrantClient:
    """One Qdrant node. Every method raises TargetError."""

    http: JsonClient

    async def version(self) -> str:
        """Return the server's version; needs no API key."""
        return parse_version(await self.http.get("/"))

    async def ready(self) -> bool:
        """Tell whether all shards have become ready."""
        return await self.http.succeeds("/readyz")

    async def names(self) -> list[str]:
        """Return the names of all collections."""
        return parse_names(result_of(await self.http.get("/collections"), "/collections"))

    async def aliases(self) -> dict[str, str]:
        """Return collection names by alias."""
        return parse_aliases(result_of(await self.http.get("/aliases"), "/aliases"))

    async def issues(self) -> dict[str, int] | None:
        """Return the number of issues by kind, or None on a server without this route."""
        try:
            return parse_issues(result_of(await self.http.get("/issues"), "/issues"))
        except StatusError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def consensus(self) -> Consensus | None:
        """Return the node's view of its cluster, or None on a server that runs alone."""
        return parse_consensus(result_of(await self.http.get("/cluster"), "/cluster"))

    async def collection(self, name: str) -> Collection | None:
        """Return one collection, or None when it has vanished since it was listed."""
        path = f"/collections/{quote(name, safe='')}"
        try:
            return parse_collection(name, result_of(await self.http.get(path), path))
        except StatusError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def collection_cluster(self, name: str) -> CollectionCluster:
        """Return how one collection is spread over peers."""
        path = f"/collections/{quote(name, safe='')}/cluster"
        return parse_collection_cluster(name, result_of(await self.http.get(path), path))

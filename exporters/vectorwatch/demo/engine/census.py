"""The figures of one collection that metrics and telemetry report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import qdrant_edge as edge

from vectorwatch.demo.engine.backlog import count_unindexed_vectors, measure_unindexed_bytes
from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.configuration import list_dense_vectors, list_sparse_vectors
from vectorwatch.demo.engine.errors import NotFound


@dataclass(frozen=True)
class Census:
    """One collection at one moment."""

    name: str
    points: int
    vectors: dict[str, int]
    indexed_vectors: int
    segments: int
    status: str
    optimizing: bool
    indexed_only_excluded: dict[str, int]


def take_census(collection: Collection) -> Census | None:
    """Return the figures of a collection, None when it was deleted meanwhile."""
    try:
        info = collection.info()
        return Census(
            name=collection.name,
            points=info.points_count,
            vectors=_count_vectors(collection, info.points_count),
            indexed_vectors=info.indexed_vectors_count,
            segments=info.segments_count,
            status=collection.status,
            optimizing=collection.optimizing,
            indexed_only_excluded=_estimate_excluded(collection, info),
        )
    except NotFound:
        return None


def _count_vectors(collection: Collection, points: int) -> dict[str, int]:
    names = [*list_dense_vectors(collection.configuration), *list_sparse_vectors(collection.configuration)]
    if names == [""]:
        return {"": points}
    return {name: collection.read(partial(_count_named, name)) for name in names}


def _count_named(name: str, shard: edge.EdgeShard) -> int:
    return shard.count(edge.CountRequest(filter=edge.Filter(must=[edge.HasVectorCondition(name)])))


def _estimate_excluded(collection: Collection, info: edge.ShardInfo) -> dict[str, int]:
    """Return the points that `indexed_only` skips: those of unindexed segments above the threshold.

    The engine tells neither segments nor vectors apart, so the excess is split evenly over the vectors."""
    names = list(list_dense_vectors(collection.configuration))
    threshold_bytes = collection.configuration["optimizer_config"]["indexing_threshold"] * 1024
    large = 0 < threshold_bytes < measure_unindexed_bytes(info, collection.configuration)
    unindexed = count_unindexed_vectors(info, collection.configuration)
    return {name: unindexed // len(names) if large else 0 for name in names}

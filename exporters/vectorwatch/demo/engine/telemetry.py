"""`/telemetry` in the shape of Qdrant 1.19, with what an embedded engine can tell.

Level 0 names the node and counts requests, 1 adds memory and cores, 2 the configuration of each collection,
3 and above the figures of its one shard. Segments (level 4 of a server) are not known.
"""

from __future__ import annotations

import os
from typing import Any

from vectorwatch.demo.engine.census import Census, take_census
from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.node import REPORTED_VERSION, Node
from vectorwatch.demo.engine.process import read_resident_bytes
from vectorwatch.demo.engine.traffic import Traffic


def collect_telemetry(node: Node, level: int) -> dict[str, Any]:
    """Return telemetry at a level from 0 to 4."""
    telemetry: dict[str, Any] = {
        "id": node.identity,
        "app": {"name": "qdrant", "version": REPORTED_VERSION, "startup": node.started_at.isoformat()},
        "collections": _describe_collections(node, level),
        "requests": {"rest": {"responses": _describe_responses(node.traffic)}, "grpc": {"responses": {}}},
    }
    if level >= 1:
        telemetry["app"]["system"] = {"is_docker": False, "cores": os.cpu_count(), "cpu_flags": ""}
        telemetry["memory"] = {"resident_bytes": read_resident_bytes()}
        telemetry["cluster"] = {"enabled": False}
    return telemetry


def _describe_collections(node: Node, level: int) -> dict[str, Any]:
    collections = node.catalogue.list_collections()
    described: dict[str, Any] = {"number_of_collections": len(collections)}
    if level >= 2:
        censuses = [(one, take_census(one)) for one in collections]
        described["collections"] = [
            _describe_collection(one, census, level) for one, census in censuses if census is not None
        ]
    return described


def _describe_collection(collection: Collection, census: Census, level: int) -> dict[str, Any]:
    described: dict[str, Any] = {"id": collection.name, "config": collection.configuration}
    if level >= 3:
        described["shards"] = [
            {"id": 0, "local": _describe_shard(census), "remote": [], "replicate_states": {}}
        ]
        described["transfers"] = []
    return described


def _describe_shard(census: Census) -> dict[str, Any]:
    return {
        "variant_name": "local shard",
        "status": None,
        "num_points": census.points,
        "num_vectors": sum(census.vectors.values()),
        "num_vectors_by_name": census.vectors,
        "total_optimized_points": 0,
        "optimizations": {"status": "ok", "running": int(census.optimizing)},
        "indexed_only_excluded_vectors": census.indexed_only_excluded,
        "update_queue": {"length": 0},
    }


def _describe_responses(traffic: Traffic) -> dict[str, Any]:
    described: dict[str, dict[str, Any]] = {}
    for (method, endpoint, status), count in traffic.list_responses().items():
        described.setdefault(f"{method} {endpoint}", {})[str(status)] = {"count": count}
    return described

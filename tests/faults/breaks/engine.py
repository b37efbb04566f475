"""What people and optimizers do to collections and aliases."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.faults.scene import Scene, SceneError
from vectorwatch.demo import COLLECTION
from vectorwatch.demo.documents import ALIAS

ARCHIVE = "archive"
"""A collection of the fault's own, to which nobody writes."""
_POINTS, _DIMENSIONS = 6_000, 64
_LOST_FROM = 4_000
_BATCH = 500
_BUILDER = b"vectorwatch.demo.engine.index_build"
_BUILDER_SECONDS = 120.0


def make_archive(scene: Scene) -> None:
    """Make the collection, and wait until its points are counted."""
    vectors = {"size": _DIMENSIONS, "distance": "Cosine"}
    scene.ask("PUT", scene.url("qdrant", f"/collections/{ARCHIVE}"), {"vectors": vectors})
    _write_points(scene, 0)
    scene.wait_for(f'qdrant_collection_approximate_points{{collection="{ARCHIVE}"}} > 0', "archive is seen")


@contextmanager
def delete_alias(scene: Scene) -> Iterator[None]:
    """Delete the alias by which the load searches."""
    _change_alias(scene, {"delete_alias": {"alias_name": ALIAS}})
    yield
    _point_alias_at(scene, COLLECTION)


@contextmanager
def move_alias(scene: Scene) -> Iterator[None]:
    """Let the alias by which the load searches name another, far smaller collection."""
    _point_alias_at(scene, ARCHIVE)
    yield
    _point_alias_at(scene, COLLECTION)


@contextmanager
def delete_collection(scene: Scene) -> Iterator[None]:
    """Delete a collection."""
    scene.ask("DELETE", scene.url("qdrant", f"/collections/{ARCHIVE}"))
    yield
    make_archive(scene)


@contextmanager
def delete_points(scene: Scene) -> Iterator[None]:
    """Delete a third of the points of a collection."""
    path = f"/collections/{ARCHIVE}/points/delete?wait=true"
    scene.ask("POST", scene.url("qdrant", path), {"points": list(range(_LOST_FROM, _POINTS))})
    yield
    _write_points(scene, _LOST_FROM)


@contextmanager
def delete_payload_index(scene: Scene) -> Iterator[None]:
    """Delete a payload index of the documents."""
    url = scene.url("qdrant", f"/collections/{COLLECTION}/index")
    scene.ask("DELETE", f"{url}/year?wait=true")
    yield
    scene.ask("PUT", f"{url}?wait=true", {"field_name": "year", "field_schema": "integer"})


@contextmanager
def fail_optimizer(scene: Scene) -> Iterator[None]:
    """Kill the process that builds the index of a collection to which nobody writes."""
    url = scene.url("qdrant", f"/collections/{ARCHIVE}")
    # One that builds a graph from so few vectors.
    changed = {"hnsw_config": {"full_scan_threshold": 100}, "optimizers_config": {"indexing_threshold": 100}}
    scene.ask("PATCH", url, changed)
    _kill_builder(scene)
    scene.wait(lambda: _expect_status(scene, "red"), "the collection is red", 30)
    yield
    _write_points(scene, _POINTS - 1)


@contextmanager
def ruin_graph(scene: Scene) -> Iterator[None]:
    """Build the graph of the documents anew with so few links that searches miss most neighbours.

    The probe starts anew at the end: for an hour its window would remember the bad searches.
    """
    _rebuild(scene, {"m": 2, "ef_construct": 4})
    yield
    _rebuild(scene, {"m": 16, "ef_construct": 100})
    scene.wait(lambda: _expect_status(scene, "green", COLLECTION), "the graph is built")
    scene.kill("hnsw-probe")
    scene.start("hnsw-probe")


def _rebuild(scene: Scene, links: dict[str, int]) -> None:
    scene.ask("PATCH", scene.url("qdrant", f"/collections/{COLLECTION}"), {"hnsw_config": links})


def _write_points(scene: Scene, first: int) -> None:
    randomness = random.Random(1)
    url = scene.url("qdrant", f"/collections/{ARCHIVE}/points?wait=true")
    for start in range(first, _POINTS, _BATCH):
        points = [
            {"id": number, "vector": [randomness.gauss(0, 1) for _ in range(_DIMENSIONS)]}
            for number in range(start, min(start + _BATCH, _POINTS))
        ]
        scene.ask("PUT", url, {"points": points})


def _point_alias_at(scene: Scene, collection: str) -> None:
    _change_alias(scene, {"create_alias": {"alias_name": ALIAS, "collection_name": collection}})


def _change_alias(scene: Scene, action: dict[str, Any]) -> None:
    scene.ask("POST", scene.url("qdrant", "/collections/aliases"), {"actions": [action]})


def _expect_status(scene: Scene, status: str, collection: str = ARCHIVE) -> str:
    found = scene.ask("GET", scene.url("qdrant", f"/collections/{collection}"))["result"]["status"]
    return "" if found == status else f"it is {found}"


def _kill_builder(scene: Scene) -> None:
    """Kill the child of the engine that builds an index; raises SceneError when there is none in time."""
    engine, deadline = scene.process_id("qdrant"), monotonic() + _BUILDER_SECONDS
    while monotonic() < deadline:
        for child in _list_children(engine):
            with suppress(OSError):
                command = Path(f"/proc/{child}/cmdline").read_bytes()
                if _BUILDER in command and f"/{ARCHIVE}/".encode() in command:
                    os.kill(child, signal.SIGKILL)
                    return
        sleep(0.01)
    raise SceneError(f"no index is built within {_BUILDER_SECONDS:g} s")


def _list_children(process_id: int) -> list[int]:
    lists = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text().split()]

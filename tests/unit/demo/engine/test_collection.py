"""One collection without a server: what happens when its optimization fails or is not needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import qdrant_edge as edge

from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.configuration import complete_configuration
from vectorwatch.demo.engine.errors import NotFound
from vectorwatch.demo.engine.fields import Fields


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    body = {"vectors": {"size": 64, "distance": "Dot"}, "optimizers_config": {"indexing_threshold": 1}}
    created = Collection.create(tmp_path / "one", "one", complete_configuration(Fields(body)))
    _write(created, range(10))
    return created


def _write(collection: Collection, ids: range) -> None:
    points = [edge.Point(one, [float(one)] * 64) for one in ids]
    collection.write(edge.UpdateOperation.upsert_points(points), len(points))


def _list_shards(collection: Collection, tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "one").glob("shard-*"))


def test_failed_optimization_turns_red_and_is_not_repeated_before_a_write(
    collection: Collection, tmp_path: Path
) -> None:
    assert collection.status == "yellow"
    collection.discard(collection.begin_optimization(), "No space left on device")
    assert (collection.status, collection.failure) == ("red", "No space left on device")
    assert not collection.backlog.is_pending(collection.info(), collection.configuration)
    assert len(_list_shards(collection, tmp_path)) == 1
    _write(collection, range(10, 11))
    assert collection.backlog.is_pending(collection.info(), collection.configuration)
    assert collection.info().points_count == 11


def test_optimization_that_changes_nothing_leaves_it_green(collection: Collection, tmp_path: Path) -> None:
    collection.discard(collection.begin_optimization(), None)
    assert (collection.status, collection.failure) == ("green", None)
    assert len(_list_shards(collection, tmp_path)) == 1


def test_adopted_copy_holds_what_was_written_meanwhile(collection: Collection, tmp_path: Path) -> None:
    copy = collection.begin_optimization()
    assert collection.status == "yellow"
    _write(collection, range(10, 15))
    collection.write(edge.UpdateOperation.delete_points([0]))
    collection.adopt(copy)
    assert collection.info().points_count == 14
    assert _list_shards(collection, tmp_path) == [copy]
    collection.close()
    reloaded = Collection.load(tmp_path / "one")
    assert reloaded is not None
    assert reloaded.info().points_count == 14
    reloaded.close()


def test_closed_collection_refuses(collection: Collection, tmp_path: Path) -> None:
    copy = collection.begin_optimization()
    collection.close(remove=True)
    with pytest.raises(NotFound):
        collection.info()
    with pytest.raises(NotFound):
        collection.adopt(copy)
    collection.discard(copy, None)
    assert not (tmp_path / "one").exists()


def test_unfinished_copy_of_a_killed_server_is_removed(collection: Collection, tmp_path: Path) -> None:
    collection.begin_optimization()
    assert len(_list_shards(collection, tmp_path)) == 2
    collection.close()
    reloaded = Collection.load(tmp_path / "one")
    assert reloaded is not None
    assert len(_list_shards(collection, tmp_path)) == 1
    assert reloaded.info().points_count == 10
    reloaded.close()


def test_patch_that_the_engine_refuses_leaves_the_collection_as_it_was(collection: Collection) -> None:
    before = collection.configuration
    with pytest.raises(Exception, match="unknown variant"):
        collection.reconfigure(Fields({"quantization_config": {"product": {"compression": "x3"}}}))
    assert collection.configuration == before
    assert collection.info().points_count == 10

"""A snapshot of one real server is restored into another that is new."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.logs.opensearch.documents import create, write
from tests.logs.opensearch.server import start
from tests.logs.opensearch.shim import translate_snapshot
from vectorwatch.elastic.client import ElasticError, Server
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.setup import Setup
from vectorwatch.elastic.snapshots import Pace, make_body, restore, take
from vectorwatch.elastic.streams import name_streams
from vectorwatch.elastic.waiting import Patience

STREAMS = name_streams("default")
APPLICATION, DEAD_LETTERS = STREAMS[0], STREAMS[-1]
BODY = translate_snapshot(make_body())
PACE = Pace(limit=120, every=0.1)


@contextmanager
def run_node(folder: Path, repository: Path, definitions: Definitions) -> Iterator[Server]:
    """Run a node that was set up, with a repository of snapshots in a folder."""
    with (
        start(folder, snapshots=repository.parent) as node,
        Server("OpenSearch", node.url, user="elastic", password="none") as server,
    ):
        for name, body in definitions.component_templates.items():
            server.put(f"/_component_template/{name}", body)
        for name, body in definitions.index_templates.items():
            server.put(f"/_index_template/{name}", body)
        setup = Setup(server, Patience(60, print))
        list(setup.put_streams(STREAMS, definitions.mark))
        body = {**definitions.repositories["vectorwatch"], "settings": {"location": str(repository)}}
        assert setup.put_repository("vectorwatch", body) == "snapshot repository vectorwatch: created"
        assert setup.put_repository("vectorwatch", body) == "snapshot repository vectorwatch: unchanged"
        yield server


def messages(server: Server, stream: str) -> list[str]:
    server.post(f"/{stream}/_refresh")
    found = server.send("POST", f"/{stream}/_search", json={"size": 1000, "_source": ["message"]})
    return sorted(hit["_source"]["message"] for hit in found["hits"]["hits"])


@pytest.fixture(scope="module")
def nodes(
    opensearch_is_here: None, definitions: Definitions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server, Path]]:
    """A node with lines in two indices of a stream and a dead letter; an empty one, and its repository."""
    folder = tmp_path_factory.mktemp("snapshots")
    repository = folder / "repositories" / "vectorwatch"
    with ExitStack() as stack:
        full = stack.enter_context(run_node(folder / "full", repository, definitions))
        create(full, APPLICATION, [write({"message": f"line {number:03}"}) for number in range(100)])
        full.post(f"/{APPLICATION}/_rollover")
        create(full, APPLICATION, [write({"message": f"line {number:03}"}) for number in range(100, 200)])
        create(full, DEAD_LETTERS, [write({"message": "refused"})])
        said = [take(full, Patience(60, print), PACE, print, BODY) for _ in range(2)]
        create(full, APPLICATION, [write({"message": "written after it"})])
        assert said[0].startswith("snapshot of 5 data streams, ")
        assert said[0].endswith(" 0 older deleted")
        assert said[1].endswith(" 1 older deleted")
        copied = folder / "copied" / "vectorwatch"
        shutil.copytree(repository, copied)
        empty = stack.enter_context(run_node(folder / "empty", copied, definitions))
        yield full, empty, copied


def test_each_line_is_there_once_and_streams_go_on(nodes: tuple[Server, Server, Path]) -> None:
    _, empty, _ = nodes
    said = restore(empty, Patience(60, print), PACE, print)
    assert said.startswith("201 log lines of 5 data streams, ")
    assert messages(empty, APPLICATION) == [f"line {number:03}" for number in range(200)]
    assert messages(empty, DEAD_LETTERS) == ["refused"]
    (stream,) = empty.get(f"/_data_stream/{APPLICATION}")["data_streams"]
    assert len(stream["indices"]) == 2
    assert [fate.status for fate in create(empty, APPLICATION, [write({"message": "new"})])] == [201]
    empty.post(f"/{APPLICATION}/_rollover")
    assert len(messages(empty, APPLICATION)) == 201


def test_where_lines_are_nothing_is_restored(nodes: tuple[Server, Server, Path]) -> None:
    full, _, _ = nodes
    with pytest.raises(ElasticError, match=f"hold documents: {APPLICATION}, {DEAD_LETTERS}; nothing was"):
        restore(full, Patience(60, print), PACE, print)
    assert "written after it" in messages(full, APPLICATION)


def test_the_repository_holds_the_newest_snapshot_alone(nodes: tuple[Server, Server, Path]) -> None:
    full, _, copied = nodes
    assert len(full.get("/_snapshot/vectorwatch/_all")["snapshots"]) == 1
    assert len(list(copied.glob("snap-*.dat"))) == 1


def test_a_repository_that_lost_a_file_is_refused_in_one_line(
    nodes: tuple[Server, Server, Path], definitions: Definitions, tmp_path: Path
) -> None:
    _, _, copied = nodes
    damaged = tmp_path / "repositories" / "vectorwatch"
    shutil.copytree(copied, damaged)
    for path in damaged.glob("snap-*.dat"):
        path.unlink()
    with run_node(tmp_path / "node", damaged, definitions) as server:
        with pytest.raises(ElasticError) as caught:
            restore(server, Patience(60, print), PACE, print)
        assert "\n" not in str(caught.value)

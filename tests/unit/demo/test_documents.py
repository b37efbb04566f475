"""Against the real engine behind its REST routes; the numbers are small, the collection is real."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient

from vectorwatch.demo import COLLECTION
from vectorwatch.demo.documents import ALIAS, DocumentMaker, Documents, Size
from vectorwatch.demo.ports import find_free_ports

SIZE = Size(documents=6_000, dimensions=64)


@pytest.fixture
def client(start_program: Callable[..., object], tmp_path: Path) -> Iterator[QdrantClient]:
    port = find_free_ports(1)[0]
    command = [
        sys.executable,
        "-m",
        "vectorwatch.demo.engine",
        "--port",
        str(port),
        "--data",
        str(tmp_path / "q"),
    ]
    start_program(command, ready_url=f"http://127.0.0.1:{port}/readyz")
    client = QdrantClient(url=f"http://127.0.0.1:{port}", check_compatibility=False)
    yield client
    client.close()


@pytest.fixture
def documents(client: QdrantClient) -> Documents:
    return Documents(client, DocumentMaker(SIZE, seed=1))


def test_all_documents_are_written_with_progress(documents: Documents, client: QdrantClient) -> None:
    assert list(documents.prepare()) == list(range(500, 6_001, 500))
    assert client.count(COLLECTION).count == 6_000
    schema = client.get_collection(COLLECTION).payload_schema
    assert {"topic", "year"} == schema.keys()
    assert client.get_collection_aliases(COLLECTION).aliases[0].alias_name == ALIAS


def test_an_interrupted_start_is_taken_up_where_it_ended(documents: Documents, client: QdrantClient) -> None:
    batches = documents.prepare()
    assert [next(batches), next(batches)] == [500, 1_000]
    assert next(iter(documents.prepare())) == 1_500


def test_a_complete_collection_is_left_as_it_is(documents: Documents) -> None:
    list(documents.prepare())
    assert list(documents.prepare()) == []


def test_a_graph_is_built_so_that_recall_means_something(
    documents: Documents, client: QdrantClient, poll: Callable[..., None]
) -> None:
    list(documents.prepare())
    poll(lambda: (client.get_collection(COLLECTION).indexed_vectors_count or 0) > 5_000, "the graph is built")


def test_a_search_finds_the_documents_near_the_question(documents: Documents) -> None:
    list(documents.prepare())
    stored = DocumentMaker(SIZE, seed=1).make_points(range(500))
    found = documents.search(list(np.asarray(stored[7].vector)))
    assert found[0]["id"] == 7
    assert found[0]["payload"]["topic"]
    assert len(found) == 10


def test_a_search_about_a_topic_finds_that_topic_only(documents: Documents) -> None:
    list(documents.prepare())
    question = DocumentMaker(SIZE, seed=3).make_questions(1)[0].tolist()
    assert {hit["payload"]["topic"] for hit in documents.search(question, topic="travel")} == {"travel"}


def test_writing_again_adds_no_documents(documents: Documents, client: QdrantClient) -> None:
    list(documents.prepare())
    documents.write_again(50)
    assert client.count(COLLECTION).count == 6_000


def test_the_same_seed_makes_the_same_documents() -> None:
    first, second = (DocumentMaker(SIZE, seed=5).make_points(range(20)) for _ in range(2))
    assert first == second


def test_documents_lie_in_clusters() -> None:
    maker = DocumentMaker(SIZE, seed=5)
    vectors = np.asarray([point.vector for point in maker.make_points(range(400))])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearness = np.sort(units @ units.T, axis=1)
    assert np.median(nearness[:, -2]) > 0.8  # the nearest other document is near
    assert abs(np.median(nearness)) < 0.2  # any other is not

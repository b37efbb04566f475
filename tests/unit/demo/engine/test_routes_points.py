"""Writing points and reading them by id."""

from __future__ import annotations

import httpx
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from .conftest import make_point

UUID_TEXT = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def collection(client: QdrantClient, request: pytest.FixtureRequest) -> str:
    name = request.node.name[:200].replace("[", "_").replace("]", "_")
    vectors = models.VectorParams(size=2, distance=models.Distance.COSINE)
    client.create_collection(name, vectors_config=vectors)
    return str(name)


def test_points_come_back_with_payload_and_normalised_cosine_vector(
    client: QdrantClient, collection: str
) -> None:
    payload = {"word": "ä", "list": [1, {"deep": None}], "large": 2**53, "share": 0.25, "yes": True}
    written = client.upsert(collection, [make_point(7, [3, 4], payload)], wait=True)
    assert written.status == models.UpdateStatus.COMPLETED
    (found,) = client.retrieve(collection, [7, 8], with_vectors=True)
    assert found.payload == payload
    assert found.vector == pytest.approx([0.6, 0.8])


def test_batch_form_and_uuid_ids(client: QdrantClient, collection: str) -> None:
    batch = models.Batch(ids=[1, UUID_TEXT], vectors=[[1.0, 0.0], [0.0, 1.0]], payloads=[{"n": 1}, {}])
    client.upsert(collection, batch)
    found = client.retrieve(collection, [UUID_TEXT, 1])
    assert {one.id: one.payload for one in found} == {1: {"n": 1}, UUID_TEXT: {}}


def test_named_sparse_and_multi_vectors_come_back(client: QdrantClient) -> None:
    client.create_collection(
        "kinds",
        vectors_config={
            "dense": models.VectorParams(size=2, distance=models.Distance.DOT),
            "many": models.VectorParams(
                size=2,
                distance=models.Distance.DOT,
                multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={"words": models.SparseVectorParams()},
    )
    vector = {
        "dense": [1.0, 2.0],
        "many": [[1.0, 0.0], [0.0, 2.0]],
        "words": models.SparseVector(indices=[3, 9], values=[0.5, 0.25]),
    }
    client.upsert("kinds", [make_point(1, vector), make_point(2, {})])
    full, empty = client.retrieve("kinds", [1, 2], with_vectors=True)
    assert full.vector == vector
    assert empty.vector == {}
    (partial,) = client.retrieve("kinds", [1], with_vectors=["dense"], with_payload=False)
    assert partial.vector == {"dense": [1.0, 2.0]}
    assert partial.payload is None


def test_upsert_overwrites_and_delete_removes(client: QdrantClient, collection: str) -> None:
    client.upsert(collection, [make_point(n, [1, n], {"n": n}) for n in range(4)])
    client.upsert(collection, [make_point(0, [0, 1], {"new": True})])
    assert client.count(collection).count == 4
    client.delete(collection, models.PointIdsList(points=[1]))
    even = models.FieldCondition(key="n", match=models.MatchAny(any=[2]))
    client.delete(collection, models.FilterSelector(filter=models.Filter(must=[even])))
    left, _ = client.scroll(collection)
    assert {one.id: one.payload for one in left} == {0: {"new": True}, 3: {"n": 3}}


def test_payload_is_set_overwritten_trimmed_and_cleared(client: QdrantClient, collection: str) -> None:
    client.upsert(collection, [make_point(1, [1, 0], {"a": 1, "b": 2})])

    def payload() -> object:
        return client.retrieve(collection, [1])[0].payload

    client.set_payload(collection, {"b": 3, "c": 4}, points=[1])
    assert payload() == {"a": 1, "b": 3, "c": 4}
    client.delete_payload(collection, ["c"], points=[1])
    assert payload() == {"a": 1, "b": 3}
    client.overwrite_payload(collection, {"z": 9}, points=[1])
    assert payload() == {"z": 9}
    client.clear_payload(collection, points_selector=[1])
    assert payload() == {}


def test_vectors_are_updated_alone(client: QdrantClient, collection: str) -> None:
    client.upsert(collection, [make_point(1, [1, 0], {"kept": True})])
    client.update_vectors(collection, [models.PointVectors(id=1, vector=[0.0, 2.0])])
    (found,) = client.retrieve(collection, [1], with_vectors=True)
    assert (found.vector, found.payload) == ([0.0, 1.0], {"kept": True})


def test_one_point_by_path(http: httpx.Client, client: QdrantClient, collection: str) -> None:
    client.upsert(collection, [make_point(5, [1, 0], {"n": 5})])
    found = http.get(f"/collections/{collection}/points/5").json()["result"]
    assert found == {"id": 5, "payload": {"n": 5}, "vector": [1.0, 0.0]}
    absent = http.get(f"/collections/{collection}/points/6")
    assert absent.status_code == 404
    assert absent.json()["status"]["error"] == "Not found: Point with id 6 does not exists!"


def test_write_without_wait_is_acknowledged(http: httpx.Client, collection: str) -> None:
    answer = http.put(f"/collections/{collection}/points", json={"points": [{"id": 1, "vector": [1, 0]}]})
    assert answer.json()["result"]["status"] == "acknowledged"
    assert answer.json()["status"] == "ok"


BAD_UPSERTS = {
    "no JSON": (b"{", "Format error in JSON body"),
    "nothing": (b"", "Format error in JSON body"),
    "HTML": (b"<html>", "Format error in JSON body"),
    "NaN": (b'{"points":[{"id":1,"vector":[NaN,1]}]}', "Format error in JSON body"),
    "overflow": (b'{"points":[{"id":1,"vector":[1e999,1]}]}', "out of range"),
    "a list": (b"[]", "expected an object"),
    "no points": (b"{}", "missing field `points`"),
    "points as text": (b'{"points":"all"}', "expected a sequence"),
    "no id": (b'{"points":[{"vector":[1,0]}]}', "missing field `id`"),
    "negative id": (b'{"points":[{"id":-1,"vector":[1,0]}]}', "not a valid point ID"),
    "word as id": (b'{"points":[{"id":"one","vector":[1,0]}]}', "UUID"),
    "true as id": (b'{"points":[{"id":true,"vector":[1,0]}]}', "not a valid point ID"),
    "id too large": (b'{"points":[{"id":18446744073709551616,"vector":[1,0]}]}', "Wrong input"),
    "no vector": (b'{"points":[{"id":1}]}', "missing field `vector`"),
    "wrong dimension": (
        b'{"points":[{"id":1,"vector":[1,0,0]}]}',
        "Wrong input: Vector dimension error: expected dim: 2, got 3",
    ),
    "unknown name": (
        b'{"points":[{"id":1,"vector":{"x":[1,0]}}]}',
        "Wrong input: Not existing vector name error: x",
    ),
    "words in vector": (b'{"points":[{"id":1,"vector":["a","b"]}]}', "list of numbers"),
    "text to embed": (b'{"points":[{"id":1,"vector":{"":{"text":"hi","model":"m"}}}]}', "not offered"),
    "payload as list": (b'{"points":[{"id":1,"vector":[1,0],"payload":[]}]}', "expected an object"),
    "uneven batch": (b'{"batch":{"ids":[1,2],"vectors":[[1,0]]}}', "2 ids, 1 vectors"),
}


@pytest.mark.parametrize(("body", "words"), BAD_UPSERTS.values(), ids=BAD_UPSERTS)
def test_bad_upsert_is_refused_in_words_and_stores_nothing(
    http: httpx.Client, engine_collection: str, body: bytes, words: str
) -> None:
    answer = http.put(f"/collections/{engine_collection}/points?wait=true", content=body)
    assert answer.status_code == 400
    assert words in answer.json()["status"]["error"]
    assert http.get(f"/collections/{engine_collection}").json()["result"]["points_count"] == 0


@pytest.fixture
def engine_collection(http: httpx.Client) -> str:
    if not http.get("/collections/refusing/exists").json()["result"]["exists"]:
        http.put("/collections/refusing", json={"vectors": {"size": 2, "distance": "Dot"}}).raise_for_status()
    return "refusing"


def test_body_above_the_limit_is_refused(http: httpx.Client, engine_collection: str) -> None:
    body = b'{"points":[' + b" " * (32 * 1024 * 1024) + b"]}"
    answer = http.put(f"/collections/{engine_collection}/points", content=body)
    assert answer.status_code == 400
    assert "larger than allowed" in answer.json()["status"]["error"]


def test_setting_payload_of_an_absent_point_is_refused_as_by_qdrant(
    client: QdrantClient, collection: str
) -> None:
    with pytest.raises(UnexpectedResponse, match="No point with id 77 found") as caught:
        client.set_payload(collection, {"a": 1}, points=[77])
    assert caught.value.status_code == 404

"""Collections, aliases and payload indexes through the unchanged qdrant-client and plain HTTP."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from .conftest import make_point

SQUARE = models.VectorParams(size=2, distance=models.Distance.DOT)


def _create(client: QdrantClient, name: str) -> None:
    client.create_collection(name, vectors_config=SQUARE)


def test_created_collection_is_listed_described_and_gone_after_deletion(client: QdrantClient) -> None:
    assert not client.collection_exists("life")
    assert client.create_collection(
        "life",
        vectors_config=models.VectorParams(size=4, distance=models.Distance.COSINE),
        hnsw_config=models.HnswConfigDiff(m=8, ef_construct=50),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=500),
        quantization_config=models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        ),
    )
    assert "life" in [one.name for one in client.get_collections().collections]
    info = client.get_collection("life")
    assert info.status == models.CollectionStatus.GREEN
    assert info.optimizer_status == models.OptimizersStatusOneOf.OK
    assert (info.points_count, info.indexed_vectors_count, info.segments_count) == (0, 0, 1)
    assert info.config.params.vectors == models.VectorParams(size=4, distance=models.Distance.COSINE)
    assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (8, 50)
    assert info.config.optimizer_config.indexing_threshold == 500
    assert isinstance(info.config.quantization_config, models.ScalarQuantization)
    assert client.delete_collection("life")
    assert not client.collection_exists("life")
    assert not client.delete_collection("life")


def test_named_vectors_are_described_by_name(client: QdrantClient) -> None:
    vectors = {
        "title": models.VectorParams(size=3, distance=models.Distance.EUCLID, on_disk=True),
        "body": models.VectorParams(size=5, distance=models.Distance.MANHATTAN),
    }
    client.create_collection("named", vectors_config=vectors)
    assert client.get_collection("named").config.params.vectors == vectors


def test_second_creation_conflicts(client: QdrantClient) -> None:
    _create(client, "twice")
    with pytest.raises(UnexpectedResponse, match="already exists") as caught:
        _create(client, "twice")
    assert caught.value.status_code == 409


def test_patch_changes_what_it_names_and_nothing_else(client: QdrantClient) -> None:
    _create(client, "patched")
    client.update_collection(
        "patched",
        hnsw_config=models.HnswConfigDiff(m=24),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=77),
        strict_mode_config=models.StrictModeConfig(enabled=True, max_query_limit=5),
    )
    config = client.get_collection("patched").config
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (24, 100)
    assert config.optimizer_config.indexing_threshold == 77
    assert config.optimizer_config.vacuum_min_vector_number == 1000
    assert config.strict_mode_config is not None
    assert config.strict_mode_config.max_query_limit == 5


def test_aliases_lead_to_their_collection_and_move_all_at_once(client: QdrantClient) -> None:
    _create(client, "blue")
    _create(client, "green")
    create = models.CreateAliasOperation(
        create_alias=models.CreateAlias(collection_name="blue", alias_name="live")
    )
    client.update_collection_aliases([create])
    client.upsert("live", [make_point(1, [1, 0])])
    assert client.count("blue").count == 1
    switch: list[models.AliasOperations] = [
        models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name="live")),
        models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name="green", alias_name="live")
        ),
    ]
    client.update_collection_aliases(switch)
    assert client.count("live").count == 0
    assert [one.alias_name for one in client.get_collection_aliases("green").aliases] == ["live"]
    assert client.get_collection_aliases("blue").aliases == []
    client.delete_collection("green")
    assert "live" not in [one.alias_name for one in client.get_aliases().aliases]


def test_alias_actions_are_all_refused_when_one_is(http: httpx.Client, client: QdrantClient) -> None:
    _create(client, "whole")
    actions = [
        {"create_alias": {"collection_name": "whole", "alias_name": "half"}},
        {"rename_alias": {"old_alias_name": "absent", "new_alias_name": "other"}},
    ]
    answer = http.post("/collections/aliases", json={"actions": actions})
    assert answer.status_code == 404
    assert client.get_collection_aliases("whole").aliases == []


def test_payload_index_is_described_with_its_points(client: QdrantClient) -> None:
    _create(client, "indexed")
    points = [make_point(n, [n, 1], {"city": "Bern"} if n < 3 else {}) for n in range(5)]
    client.upsert("indexed", points)
    client.create_payload_index(
        "indexed", "city", models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    )
    client.create_payload_index("indexed", "year", models.PayloadSchemaType.INTEGER)
    schema = client.get_collection("indexed").payload_schema
    assert (schema["city"].data_type, schema["city"].points) == (models.PayloadSchemaType.KEYWORD, 3)
    assert schema["city"].params == models.KeywordIndexParams(
        type=models.KeywordIndexType.KEYWORD, is_tenant=True
    )
    assert (schema["year"].data_type, schema["year"].points) == (models.PayloadSchemaType.INTEGER, 0)
    client.delete_payload_index("indexed", "city")
    assert list(client.get_collection("indexed").payload_schema) == ["year"]


def test_cluster_of_one_node(http: httpx.Client, client: QdrantClient) -> None:
    _create(client, "alone")
    client.upsert("alone", [make_point(1, [1, 0])])
    assert http.get("/cluster").json()["result"] == {"status": "disabled"}
    shards = http.get("/collections/alone/cluster").json()["result"]
    assert shards["local_shards"] == [{"shard_id": 0, "points_count": 1, "state": "Active"}]
    assert (shards["shard_count"], shards["remote_shards"], shards["shard_transfers"]) == (1, [], [])


@pytest.mark.parametrize("name", ["}\n# ", "ä ö", "a.b,c;d='e'", "..", "%41"])
def test_odd_but_legal_name_lives_a_whole_life(http: httpx.Client, name: str) -> None:
    path = f"/collections/{quote(name, safe='')}"
    if name == "..":
        path = "/collections/%2E%2E"  # an HTTP library would resolve the dots
    created = http.put(path, json={"vectors": {"size": 2, "distance": "Dot"}})
    assert created.json()["result"] is True
    assert name in [one["name"] for one in http.get("/collections").json()["result"]["collections"]]
    assert http.put(f"{path}/points", json={"points": [{"id": 1, "vector": [1, 0]}]}).status_code == 200
    assert http.get(path).json()["result"]["points_count"] == 1
    assert http.get("/metrics").status_code == 200
    assert http.delete(path).json()["result"] is True


@pytest.mark.parametrize("character", list('<>:"\\|?*\x1f'))
def test_name_that_qdrant_refuses_is_refused(http: httpx.Client, character: str) -> None:
    path = "/collections/" + quote(character + "}\n# ", safe="")
    answer = http.put(path, json={"vectors": {"size": 2, "distance": "Dot"}})
    assert answer.status_code == 422
    assert "collection name cannot contain" in answer.json()["status"]["error"]


def test_name_of_256_characters_is_refused(http: httpx.Client) -> None:
    answer = http.put(f"/collections/{'n' * 256}", json={"vectors": {"size": 2, "distance": "Dot"}})
    assert answer.status_code == 422


BAD_CREATIONS = {
    "size zero": ({"vectors": {"size": 0, "distance": "Dot"}}, 422, "must be 1 or larger"),
    "size too large": ({"vectors": {"size": 70_000, "distance": "Dot"}}, 422, "must be from 1 to 65536"),
    "unknown distance": ({"vectors": {"size": 2, "distance": "Taxi"}}, 400, "unknown variant `Taxi`"),
    "size as text": ({"vectors": {"size": "2", "distance": "Dot"}}, 400, "expected an integer"),
    "no distance": ({"vectors": {"size": 2}}, 400, "missing field `distance`"),
    "a list": ([1], 400, "expected an object"),
    "no vectors": ({}, 400, "at least one vector"),
    "two quantizations": (
        {"vectors": {"size": 2, "distance": "Dot"}, "quantization_config": {"scalar": {}, "binary": {}}},
        400,
        "expected one of",
    ),
}


@pytest.mark.parametrize(("body", "status", "words"), BAD_CREATIONS.values(), ids=BAD_CREATIONS)
def test_bad_creation_is_refused_in_words_and_leaves_nothing(
    http: httpx.Client, body: object, status: int, words: str
) -> None:
    answer = http.put("/collections/unborn", json=body)
    assert answer.status_code == status
    assert words in answer.json()["status"]["error"]
    assert http.get("/collections/unborn/exists").json()["result"] == {"exists": False}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/collections/nowhere"),
        ("PATCH", "/collections/nowhere"),
        ("GET", "/collections/nowhere/cluster"),
        ("GET", "/collections/nowhere/aliases"),
        ("PUT", "/collections/nowhere/index"),
        ("PUT", "/collections/nowhere/points"),
        ("POST", "/collections/nowhere/points"),
        ("POST", "/collections/nowhere/points/query"),
        ("POST", "/collections/nowhere/points/scroll"),
        ("POST", "/collections/nowhere/points/count"),
        ("POST", "/collections/nowhere/points/delete"),
    ],
)
def test_unknown_collection_is_404_in_qdrants_words(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path, json={})
    assert answer.status_code == 404
    assert answer.json()["status"] == {"error": "Not found: Collection `nowhere` doesn't exist!"}
    assert set(answer.json()) == {"status", "time"}

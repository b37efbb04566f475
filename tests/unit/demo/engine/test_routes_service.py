"""The routes about the node: version, health, metrics, telemetry, and the API key."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from qdrant_client import QdrantClient, models
from qdrant_client.common.version_check import is_compatible
from qdrant_client.http.exceptions import UnexpectedResponse

from .conftest import StartEngine, make_point

Labels = dict[str, str]


def _read_samples(text: str) -> dict[str, list[tuple[Labels, float]]]:
    samples: dict[str, list[tuple[Labels, float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def _fill(client: QdrantClient, name: str) -> None:
    vectors = {
        "a": models.VectorParams(size=2, distance=models.Distance.DOT),
        "b": models.VectorParams(size=2, distance=models.Distance.DOT),
    }
    client.create_collection(name, vectors_config=vectors)
    points = [make_point(n, {"a": [n, 1], "b": [1, n]} if n else {"a": [1, 1]}) for n in range(5)]
    client.upsert(name, points)


def test_version_says_that_this_is_a_stand_in(http: httpx.Client) -> None:
    answer = http.get("/").json()
    assert answer["version"] == "1.19.0"
    assert "stand-in" in answer["title"]
    assert "stand-in" in answer["commit"]
    assert "result" not in answer


def test_client_finds_the_reported_version_compatible(client: QdrantClient) -> None:
    assert is_compatible(version("qdrant-client"), client.info().version)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/healthz", "healthz check passed"),
        ("/livez", "healthz check passed"),
        ("/readyz", "all shards are ready"),
    ],
)
def test_health_is_plain_text(http: httpx.Client, path: str, text: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["content-type"].startswith("text/plain")


def test_metrics_carry_qdrants_names_labels_and_true_counts(http: httpx.Client, client: QdrantClient) -> None:
    _fill(client, "measured")
    client.query_points("measured", query=[1.0, 0.0], using="a")
    with pytest.raises(UnexpectedResponse):
        client.query_points("measured", query=[1.0], using="a")
    samples = _read_samples(http.get("/metrics").text)
    assert ({"name": "qdrant", "version": "1.19.0"}, 1.0) in samples["app_info"]
    assert ({"id": "measured"}, 5.0) in samples["collection_points"]
    assert ({"collection": "measured", "vector": "a"}, 5.0) in samples["collection_vectors"]
    assert ({"collection": "measured", "vector": "b"}, 4.0) in samples["collection_vectors"]
    assert ({"id": "measured"}, 0.0) in samples["collection_running_optimizations"]
    assert ({"id": "measured", "vector": "a"}, 0.0) in samples["collection_indexed_only_excluded_points"]
    assert samples["cluster_enabled"] == [({}, 0.0)]
    for name in ("collections_total", "collections_vector_total", "memory_resident_bytes"):
        assert samples[name][0][1] > 0
    for name in ("process_open_fds", "process_max_fds", "process_threads"):
        assert samples[name][0][1] > 0


def test_answers_are_counted_by_status_and_timed_when_good(http: httpx.Client, client: QdrantClient) -> None:
    _fill(client, "counted")
    query = {"method": "POST", "endpoint": "/collections/{collection_name}/points/query"}

    def count(name: str, **labels: str) -> float:
        found = _read_samples(http.get("/metrics").text).get(name, [])
        return sum(value for one, value in found if one == query | labels)

    good, bad = count("rest_responses_total", status="200"), count("rest_responses_total", status="400")
    timed = count("rest_responses_duration_seconds_count", status="200")
    http.post("/collections/counted/points/query", json={"query": [1.0, 0.0], "using": "a"})
    http.post("/collections/counted/points/query", content=b"{")
    assert count("rest_responses_total", status="200") == good + 1
    assert count("rest_responses_total", status="400") == bad + 1
    assert count("rest_responses_duration_seconds_count", status="200") == timed + 1
    assert count("rest_responses_duration_seconds_count", status="400") == 0
    assert count("rest_responses_duration_seconds_bucket", status="200", le="50") == timed + 1


def test_uncounted_routes_stay_out_of_the_response_metrics(http: httpx.Client) -> None:
    http.get("/collections")
    samples = _read_samples(http.get("/metrics").text)
    endpoints = {labels["endpoint"] for labels, _ in samples.get("rest_responses_total", [])}
    assert all(endpoint.startswith("/collections/{collection_name}/") for endpoint in endpoints)


def test_collection_name_with_odd_characters_survives_in_metrics(http: httpx.Client) -> None:
    http.put("/collections/%7D%0A%23%20", json={"vectors": {"size": 2, "distance": "Dot"}}).raise_for_status()
    samples = _read_samples(http.get("/metrics").text)
    assert "}\n# " in {labels["id"] for labels, _ in samples["collection_points"]}
    http.delete("/collections/%7D%0A%23%20").raise_for_status()


@pytest.mark.parametrize("level", range(5))
def test_telemetry_grows_with_its_level(http: httpx.Client, client: QdrantClient, level: int) -> None:
    if not client.collection_exists("told"):
        _fill(client, "told")
    told = http.get(f"/telemetry?details_level={level}").json()["result"]
    assert told["app"]["version"] == "1.19.0"
    assert told["collections"]["number_of_collections"] >= 1
    assert ("memory" in told) == (level >= 1)
    described = {one["id"]: one for one in told["collections"].get("collections", [])}
    assert ("told" in described) == (level >= 2)
    if level >= 3:
        local = described["told"]["shards"][0]["local"]
        assert (local["num_points"], local["num_vectors_by_name"]) == (5, {"a": 5, "b": 4})


def test_telemetry_level_must_be_a_number(http: httpx.Client) -> None:
    assert http.get("/telemetry?details_level=all").status_code == 400


def test_issues_are_an_empty_list(http: httpx.Client) -> None:
    assert http.get("/issues").json()["result"] == {"issues": []}


def test_unknown_route_is_an_empty_404(http: httpx.Client) -> None:
    answer = http.get("/nonsense")
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "key").write_text("s3cret-key\n")
    return folder


def test_api_key_guards_all_but_version_and_health(start_engine: StartEngine, locked: Path) -> None:
    engine = start_engine(locked, locked / "key")
    with engine.http() as http:
        for path in ("/", "/healthz", "/livez", "/readyz"):
            assert http.get(path).status_code == 200
        for path in (
            "/metrics",
            "/telemetry",
            "/collections",
            "/cluster",
            "/issues",
            "/aliases",
            "/nonsense",
        ):
            answer = http.get(path)
            assert answer.status_code == 401
            assert answer.text == "Must provide an API key or an Authorization bearer token"
            assert answer.headers["content-type"].startswith("text/plain")
        wrong = http.get("/metrics", headers={"api-key": "wrong"})
        assert (wrong.status_code, wrong.text) == (401, "Invalid API key or JWT")
        assert http.get("/metrics", headers={"api-key": "s3cret-key"}).status_code == 200
        assert http.get("/metrics", headers={"Authorization": "Bearer s3cret-key"}).status_code == 200
    with pytest.warns(UserWarning, match="insecure connection"):
        client = engine.connect(api_key="s3cret-key")
    assert client.get_collections().collections == []
    client.close()
    assert "s3cret-key" not in engine.log.read_text()

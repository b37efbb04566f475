"""Real indexes: built in the background, searched at several `hnsw_ef`, compared with numpy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from .conftest import Engine, StartEngine

COUNT, SIZE, K = 20_000, 32, 10
Poll = Callable[..., None]
Matrix = NDArray[np.float32]


def _draw(count: int, size: int, seed: int) -> Matrix:
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def _create(client: QdrantClient, name: str, **options: Any) -> None:
    client.create_collection(
        name,
        vectors_config=models.VectorParams(size=SIZE, distance=models.Distance.COSINE),
        # Below these sizes the engine scans everything, and recall is 1 for want of a graph.
        hnsw_config=models.HnswConfigDiff(m=8, ef_construct=64, full_scan_threshold=10),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=100),
        **options,
    )


def _upsert(client: QdrantClient, name: str, vectors: Matrix, first_id: int = 0) -> None:
    for start in range(0, len(vectors), 1000):
        part = vectors[start : start + 1000]
        ids: list[Any] = list(range(first_id + start, first_id + start + len(part)))
        batch = models.Batch(ids=ids, vectors=part.tolist(), payloads=[{"parity": one % 2} for one in ids])
        client.upsert(name, batch, wait=True)


def _is_settled(client: QdrantClient, name: str) -> bool:
    info = client.get_collection(name)
    return info.status == models.CollectionStatus.GREEN and bool(info.indexed_vectors_count)


@pytest.fixture(scope="module")
def vectors() -> Matrix:
    return _draw(COUNT, SIZE, seed=1)


@pytest.fixture(scope="module")
def large(engine: Engine, vectors: Matrix) -> Iterator[QdrantClient]:
    """20,000 vectors in a real graph."""
    client = engine.connect()
    _create(client, "large")
    _upsert(client, "large", vectors)
    end = time.monotonic() + 120
    while not _is_settled(client, "large"):
        assert time.monotonic() < end, client.get_collection("large")
        time.sleep(0.1)
    yield client
    client.close()


def _find_exactly(vectors: Matrix, queries: Matrix) -> list[set[int]]:
    similarity = queries @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    return [set(row[:K].tolist()) for row in np.argsort(-similarity, axis=1)]


def _measure_recall(client: QdrantClient, queries: Matrix, truth: list[set[int]], **params: Any) -> float:
    hits = 0
    for query, expected in zip(queries, truth, strict=True):
        found = client.query_points(
            "large", query=query.tolist(), limit=K, search_params=models.SearchParams(**params)
        )
        hits += len(expected & {int(point.id) for point in found.points})
    return hits / (len(truth) * K)


def test_every_vector_is_indexed_in_the_end(large: QdrantClient) -> None:
    info = large.get_collection("large")
    assert (info.points_count, info.indexed_vectors_count) == (COUNT, COUNT)
    assert info.optimizer_status == models.OptimizersStatusOneOf.OK


def test_recall_is_below_one_at_small_ef_and_rises_with_ef(large: QdrantClient, vectors: Matrix) -> None:
    queries = _draw(100, SIZE, seed=2)
    truth = _find_exactly(vectors, queries)
    recalls = [_measure_recall(large, queries, truth, hnsw_ef=ef) for ef in (K, 40, 400)]
    assert recalls[0] < 0.9
    assert recalls[0] + 0.05 < recalls[1] < recalls[2]
    assert recalls[2] > 0.9


def test_exact_search_equals_numpy(large: QdrantClient, vectors: Matrix) -> None:
    queries = _draw(20, SIZE, seed=3)
    assert _measure_recall(large, queries, _find_exactly(vectors, queries), exact=True) == 1.0


def test_filter_holds_in_the_graph(large: QdrantClient) -> None:
    odd = models.Filter(must=[models.FieldCondition(key="parity", match=models.MatchValue(value=1))])
    found = large.query_points("large", query=_draw(1, SIZE, seed=4)[0].tolist(), query_filter=odd, limit=50)
    assert len(found.points) == 50
    assert all(int(point.id) % 2 for point in found.points)


def test_stored_vectors_are_normalised_and_scores_are_cosines(large: QdrantClient, vectors: Matrix) -> None:
    query = _draw(1, SIZE, seed=5)[0]
    (best,) = large.query_points("large", query=query.tolist(), limit=1, with_vectors=True).points
    stored = np.asarray(best.vector)
    assert np.linalg.norm(stored) == pytest.approx(1, abs=1e-5)
    assert best.score == pytest.approx(float(stored @ query / np.linalg.norm(query)), abs=1e-5)


def test_writes_and_searches_go_on_while_an_index_is_built(
    engine: Engine, client: QdrantClient, http: httpx.Client, poll: Poll
) -> None:
    _create(client, "busy")
    _upsert(client, "busy", _draw(8000, SIZE, seed=6))
    seen_running = []

    def is_building() -> bool:
        seen_running.append(client.get_collection("busy").status)
        return 'collection_running_optimizations{id="busy"} 1.0' in http.get("/metrics").text

    poll(is_building, "an optimization that runs")
    assert client.get_collection("busy").status == models.CollectionStatus.YELLOW
    late = _draw(1, SIZE, seed=7)
    _upsert(client, "busy", late, first_id=90_000)
    client.set_payload("busy", {"changed": True}, points=[1])
    client.delete("busy", [2])
    client.create_payload_index("busy", "changed", models.PayloadSchemaType.BOOL)
    (found,) = client.query_points("busy", query=late[0].tolist(), limit=1).points
    assert found.id == 90_000
    poll(lambda: _is_settled(client, "busy"), "a finished index")
    assert client.count("busy", exact=True).count == 8000
    assert client.retrieve("busy", [2]) == []
    assert client.retrieve("busy", [1])[0].payload == {"parity": 1, "changed": True}
    assert client.get_collection("busy").payload_schema["changed"].points == 1
    (found,) = client.query_points("busy", query=late[0].tolist(), limit=1).points
    assert found.id == 90_000


def test_deleting_a_collection_that_is_being_indexed_leaves_nothing(
    engine: Engine, client: QdrantClient, http: httpx.Client, poll: Poll
) -> None:
    _create(client, "doomed")
    _upsert(client, "doomed", _draw(8000, SIZE, seed=8))
    poll(lambda: 'running_optimizations{id="doomed"} 1.0' in http.get("/metrics").text, "an optimization")
    assert client.delete_collection("doomed")
    _create(client, "doomed")
    assert client.count("doomed").count == 0

    def count_folders() -> int:
        return sum(1 for one in (engine.data / "collections").glob("*/shard-*"))

    poll(lambda: count_folders() == len(client.get_collections().collections), "the copies to be removed")


def test_kill_during_indexing_loses_no_point(start_engine: StartEngine, tmp_path: Path, poll: Poll) -> None:
    engine = start_engine(tmp_path)
    client = engine.connect()
    _create(client, "torn")
    _upsert(client, "torn", _draw(8000, SIZE, seed=9))
    with engine.http() as http:
        poll(lambda: 'running_optimizations{id="torn"} 1.0' in http.get("/metrics").text, "an optimization")
    _upsert(client, "torn", _draw(1, SIZE, seed=10), first_id=70_000)
    client.close()
    engine.restart(kill=True)
    client = engine.connect()
    assert client.count("torn").count == 8001
    assert len(client.retrieve("torn", [70_000])) == 1
    poll(lambda: _is_settled(client, "torn"), "the index after the restart")
    assert client.count("torn").count == 8001
    client.close()


def test_quantized_collection_is_indexed_and_searched(client: QdrantClient, poll: Poll) -> None:
    scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    _create(client, "small", quantization_config=models.ScalarQuantization(scalar=scalar))
    vectors = _draw(4000, SIZE, seed=11)
    _upsert(client, "small", vectors)
    poll(lambda: _is_settled(client, "small"), "the quantized index")
    query = _draw(1, SIZE, seed=12)[0]

    def search(**quantization: Any) -> list[float]:
        params = models.SearchParams(quantization=models.QuantizationSearchParams(**quantization))
        found = client.query_points("small", query=query.tolist(), limit=K, search_params=params)
        return [point.score for point in found.points]

    rough, rescored = search(rescore=False), search(rescore=True, oversampling=3.0)
    assert rough != rescored
    assert np.allclose(rough, rescored, atol=0.05)
    assert sorted(rescored, reverse=True) == rescored


def test_changed_graph_parameters_reach_the_index(client: QdrantClient, engine: Engine, poll: Poll) -> None:
    _create(client, "rebuilt")
    _upsert(client, "rebuilt", _draw(4000, SIZE, seed=13))
    poll(lambda: _is_settled(client, "rebuilt"), "the first index")
    client.update_collection("rebuilt", hnsw_config=models.HnswConfigDiff(m=20))

    poll(lambda: _has_graph(engine, 20) and _is_settled(client, "rebuilt"), "a graph with m = 20")


def test_health_and_searches_answer_while_slow_requests_run(
    http: httpx.Client, client: QdrantClient, large: QdrantClient
) -> None:
    """A request the engine needs long for must not freeze the others."""
    exact = {"query": [0.1] * SIZE, "limit": 1000, "params": {"exact": True}, "with_vector": True}
    batch = {"searches": [exact] * 40}
    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(http.post, "/collections/large/points/query/batch", json=batch) for _ in range(3)]
        health_seconds = []
        while not all(one.done() for one in slow):
            start = time.monotonic()
            http.get("/healthz").raise_for_status()
            health_seconds.append(time.monotonic() - start)
        slow_seconds = min(one.result().elapsed.total_seconds() for one in slow)
    assert all(one.result().status_code == 200 for one in slow)
    assert len(health_seconds) > 1
    assert min(health_seconds) < slow_seconds


def test_no_index_builder_outlives_the_server(start_engine: StartEngine, tmp_path: Path, poll: Poll) -> None:
    engine = start_engine(tmp_path)
    client = engine.connect()
    _create(client, "left")
    _upsert(client, "left", _draw(8000, SIZE, seed=14))
    with engine.http() as http:
        poll(lambda: 'running_optimizations{id="left"} 1.0' in http.get("/metrics").text, "an optimization")
    client.close()
    assert engine.stop() == 0
    poll(lambda: not _find_processes(str(engine.data)), "the builder to be gone", 60.0)


def _find_processes(argument: str) -> list[str]:
    commands = []
    for entry in os.scandir("/proc"):
        try:
            command = Path(entry.path, "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "index_build" in command and argument in command:
            commands.append(command)
    return commands


def test_new_graph_parameters_are_not_forgotten_by_a_restart(
    start_engine: StartEngine, tmp_path: Path, poll: Poll
) -> None:
    engine = start_engine(tmp_path)
    client = engine.connect()
    _create(client, "patched")
    _upsert(client, "patched", _draw(2000, SIZE, seed=15))
    poll(lambda: _is_settled(client, "patched"), "the first index")
    client.update_collection("patched", hnsw_config=models.HnswConfigDiff(m=20))
    client.close()
    engine.restart(kill=True)
    client = engine.connect()
    poll(lambda: _has_graph(engine, 20) and _is_settled(client, "patched"), "a graph with m = 20")
    client.close()


def _has_graph(engine: Engine, edges: int) -> bool:
    configs = (engine.data / "collections").glob("*/shard-*/segments/*/segment.json")
    try:
        return any(f'"m":{edges}' in one.read_text().replace(" ", "") for one in configs)
    except FileNotFoundError:  # the engine has just put a new shard in the place of the old one
        return False

"""The probe's share of the engine's search capacity at its default settings, as the engine counts it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.measure import VECTORWATCH, Row, free_port, percentile, resident_bytes, running

POINTS, SIZE, BATCH = 20_000, 64, 1_000
SEARCHES = 500
PROBED_SECONDS = 120.0
INDEX_DEADLINE_SECONDS = 300.0
MOST_RATIO = 0.02
MOST_BYTES = 80e6


def rows() -> Iterator[Row]:
    engine_port, probe_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as data:
        argv = [sys.executable, "-m", "vectorwatch.demo.engine", "--host", "127.0.0.1"]
        environ = {
            "VECTORWATCH_HNSW_URL": f"http://127.0.0.1:{engine_port}",
            "VECTORWATCH_HNSW_PORT": str(probe_port),
        }
        with (
            running([*argv, "--port", str(engine_port), "--data", str(Path(data))], engine_port),
            httpx.Client(base_url=f"http://127.0.0.1:{engine_port}", timeout=120) as engine,
        ):
            vectors = np.random.default_rng(1).normal(size=(POINTS, SIZE))
            _fill(engine, vectors)
            yield from _search_capacity(engine, vectors)
            with running([VECTORWATCH, "probe", "hnsw"], probe_port, environ) as probe:
                before, started = _query_seconds(engine), time.monotonic()
                time.sleep(PROBED_SECONDS)
                used, elapsed = _query_seconds(engine) - before, time.monotonic() - started
                measured = httpx.get(f"http://127.0.0.1:{probe_port}/metrics").text
                resident = resident_bytes(probe.pid)
    if 'hnsw_queries_total{collection="bench"' not in measured:
        raise SystemExit("bench: the probe measured nothing")
    # One search at a time is the least that the engine can do; with more cores the share is smaller.
    yield Row("probe's share of the engine's search time, defaults", used / elapsed, "ratio", MOST_RATIO)
    yield Row(
        f"HNSW probe RSS, after {PROBED_SECONDS:g} s on {POINTS:,} points", resident, "bytes", MOST_BYTES
    )


def _fill(engine: httpx.Client, vectors: np.ndarray) -> None:
    body = {
        "vectors": {"size": SIZE, "distance": "Cosine"},
        "optimizers_config": {"indexing_threshold": 1000},
    }
    engine.put("/collections/bench", json=body).raise_for_status()
    for start in range(0, POINTS, BATCH):
        points = [
            {"id": start + offset, "vector": vector.tolist()}
            for offset, vector in enumerate(vectors[start : start + BATCH])
        ]
        engine.put("/collections/bench/points?wait=true", json={"points": points}).raise_for_status()
    end = time.monotonic() + INDEX_DEADLINE_SECONDS
    while True:
        info = engine.get("/collections/bench").json()["result"]
        if info["status"] == "green" and info["indexed_vectors_count"] > 0:
            return
        if time.monotonic() > end:
            raise SystemExit("bench: the index was not built in time")
        time.sleep(0.5)


def _search_capacity(engine: httpx.Client, vectors: np.ndarray) -> Iterator[Row]:
    times = []
    for vector in vectors[:SEARCHES]:
        body = {"query": vector.tolist(), "limit": 10}
        answer = engine.post("/collections/bench/points/query", json=body).raise_for_status()
        times.append(float(answer.json()["time"]))
    yield Row(
        f"embedded engine, ANN search of {POINTS:,} × {SIZE}, p50 of its own time",
        percentile(times, 0.5),
        "s",
    )


def _query_seconds(engine: httpx.Client) -> float:
    """Return the seconds that the engine has spent on queries, from its own metrics."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(engine.get("/metrics").text)
        for sample in family.samples
        if sample.name == "rest_responses_duration_seconds_sum"
        and "/points/query" in sample.labels["endpoint"]
    )

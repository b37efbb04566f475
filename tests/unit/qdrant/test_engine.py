"""The exporter against the real Qdrant engine (its HTTP layer is ours: see vectorwatch.demo.engine)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from vectorwatch.qdrant.service import build_app
from vectorwatch.qdrant.settings import QdrantSettings
from vectorwatch.settings import load

API_KEY = "engine-key"
POINTS = 12_000


@pytest.fixture
def engine(start_engine: Callable[[Path], str], tmp_path: Path) -> Iterator[httpx.Client]:
    """Start the embedded Qdrant with an API key; return a client for it."""
    key = tmp_path / "key"
    key.write_text(API_KEY)
    base_url = start_engine(key)
    with httpx.Client(base_url=base_url, headers={"api-key": API_KEY}, timeout=60) as client:
        yield client


def ask(engine: httpx.Client, method: str, path: str, body: dict[str, Any]) -> None:
    engine.request(method, path, json=body).raise_for_status()


def test_what_a_person_does_to_a_collection_is_seen(
    engine: httpx.Client, serve: Callable[[FastAPI], str], poll: Callable[..., None]
) -> None:
    environ = {
        "VECTORWATCH_QDRANT_URL": str(engine.base_url).rstrip("/"),
        "VECTORWATCH_QDRANT_API_KEY": API_KEY,
    }
    exporter = serve(build_app(load(QdrantSettings, environ=environ)))

    def values() -> dict[tuple[str, ...], float]:
        text = httpx.get(exporter + "/metrics", timeout=60).text
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    assert values()["qdrant_collections",] == 0

    vectors = {"size": 16, "distance": "Dot"}
    # Kilobytes: 12,000 vectors of 16 floats are 750, so that the index is really built.
    indexing = {"indexing_threshold": 200}
    ask(engine, "PUT", "/collections/documents", {"vectors": vectors, "optimizers_config": indexing})
    found = values()
    assert found["qdrant_collection_approximate_points", "documents"] == 0
    assert found["qdrant_collection_unindexed_ratio", "documents"] == 0

    draw = random.Random(7)
    for start in range(0, POINTS, 2_000):
        points = [
            {"id": number, "vector": [draw.gauss(0, 1) for _ in range(16)], "payload": {"year": number % 30}}
            for number in range(start, start + 2_000)
        ]
        ask(engine, "PUT", "/collections/documents/points?wait=true", {"points": points})
    index = {"field_name": "year", "field_schema": "integer"}
    ask(engine, "PUT", "/collections/documents/index?wait=true", index)
    alias = {"create_alias": {"collection_name": "documents", "alias_name": "live"}}
    ask(engine, "POST", "/collections/aliases", {"actions": [alias]})

    poll(lambda: values()["qdrant_collection_indexed_vectors", "documents"] > 0, "the index is built")
    poll(lambda: values()["qdrant_collection_status", "documents", "green"] == 1, "optimised")
    found = values()
    assert found["qdrant_up",] == 1
    assert found["qdrant_collection_approximate_points", "documents"] == POINTS
    assert found["qdrant_collection_payload_index_points", "documents", "year", "integer"] == POINTS
    assert found["qdrant_alias_info", "live", "documents"] == 1
    assert found["qdrant_collection_unindexed_ratio", "documents"] < 1

    engine.delete("/collections/documents").raise_for_status()
    assert not any(key[0].startswith("qdrant_collection_") for key in values())

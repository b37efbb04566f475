from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.errors import TargetError
from vectorwatch.hnsw.index import Bypass, find_bypass, parse_index


def collection(**changes: Any) -> dict[str, Any]:
    """Shaped after Qdrant 1.19's `GET /collections/{name}`; `changes` replace values of `result`."""
    result: dict[str, Any] = {
        "status": "green",
        "optimizer_status": "ok",
        "indexed_vectors_count": 20_000,
        "points_count": 20_000,
        "segments_count": 2,
        "config": configuration(),
        "payload_schema": {},
        "update_queue": {"length": 0},
    }
    return {"result": result | changes, "status": "ok", "time": 0.0001}


def configuration(vectors: Any = None, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "params": {"vectors": vectors or {"size": 768, "distance": "Cosine"}},
        "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000},
        "quantization_config": None,
    }
    return given | changes


def test_an_unnamed_vector_has_an_empty_name() -> None:
    index = parse_index(collection())
    (vector,) = index.vectors
    assert (vector.name, vector.size, vector.larger_is_better, vector.m) == ("", 768, True, 16)
    assert vector.size_bytes == 768 * 4
    assert not vector.quantized


def test_vectors_sparse_vectors_and_multivectors_are_told_apart() -> None:
    config = configuration(
        {
            "text": {"size": 64, "distance": "Dot"},
            "colbert": {"size": 8, "distance": "Cosine", "multivector_config": {"comparator": "max_sim"}},
        }
    )
    config["params"]["sparse_vectors"] = {"words": {}}
    index = parse_index(collection(config=config))
    assert [vector.name for vector in index.vectors] == ["text"]
    assert index.skipped == {"colbert": "multivector", "words": "sparse"}


@pytest.mark.parametrize(
    ("distance", "larger_is_better"),
    [("Cosine", True), ("Dot", True), ("Euclid", False), ("Manhattan", False)],
)
def test_the_distance_says_which_score_is_better(distance: str, larger_is_better: bool) -> None:
    config = configuration({"size": 4, "distance": distance})
    assert parse_index(collection(config=config)).vectors[0].larger_is_better is larger_is_better


def test_a_vectors_own_settings_win_over_the_collections() -> None:
    own = {"hnsw_config": {"m": 32, "full_scan_threshold": None}, "quantization_config": {"scalar": {}}}
    config = configuration({"size": 4, "distance": "Dot", "datatype": "uint8"} | own)
    (vector,) = parse_index(collection(config=config)).vectors
    assert (vector.m, vector.full_scan_threshold_bytes, vector.size_bytes) == (32, 10_240_000, 4)
    assert vector.quantized


def test_the_collections_quantization_holds_for_its_vectors() -> None:
    config = configuration(quantization_config={"binary": {"always_ram": True}})
    assert parse_index(collection(config=config)).vectors[0].quantized


def test_an_old_server_without_newer_fields_is_read() -> None:
    document = collection(config=configuration(hnsw_config={"m": 16, "ef_construct": 100}))
    del document["result"]["update_queue"]
    index = parse_index(document)
    assert index.queue_length == 0
    assert index.vectors[0].full_scan_threshold_bytes == 10_000 * 1024


def test_counts_that_the_server_does_not_know_yet_are_zero() -> None:
    index = parse_index(collection(points_count=None, indexed_vectors_count=None))
    assert (index.points, index.indexed_vectors) == (0, 0)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"result": None}, id="no result"),
        pytest.param(collection(points_count=-1), id="negative count"),
        pytest.param(collection(points_count="5"), id="count as text"),
        pytest.param(collection(config=None), id="no config"),
        pytest.param(collection(config=configuration({"size": 0, "distance": "Dot"})), id="size 0"),
        pytest.param(collection(config=configuration({"size": 4, "distance": "Hamming"})), id="distance"),
        pytest.param(collection(config=configuration({"text": 5})), id="vector that is no object"),
    ],
)
def test_a_description_that_is_none_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(TargetError):
        parse_index(document)


@pytest.mark.parametrize(
    ("changes", "optimizing"),
    [
        ({"status": "green"}, False),
        ({"status": "grey"}, False),
        ({"status": "red"}, False),
        ({"status": "yellow"}, True),
        ({"update_queue": {"length": 3}}, False),
        ({"update_queue": {"length": 5000}}, True),
    ],
)
def test_a_rebuilt_index_is_recognised(changes: dict[str, Any], optimizing: bool) -> None:
    assert parse_index(collection(**changes)).optimizing is optimizing


@pytest.mark.parametrize(
    ("changes", "filtered", "matching", "expected"),
    [
        pytest.param({}, False, None, None, id="a large indexed collection"),
        pytest.param({"indexed_vectors_count": 0}, False, None, Bypass.UNINDEXED, id="nothing indexed"),
        pytest.param(
            {"points_count": 3000, "indexed_vectors_count": 3000},
            False,
            None,
            Bypass.TOO_SMALL,
            id="3,000 x 768 floats are below 10,000 KB",
        ),
        pytest.param(
            {"points_count": 3400, "indexed_vectors_count": 3400}, False, None, None, id="just above it"
        ),
        pytest.param(
            {"indexed_vectors_count": 3000}, False, None, Bypass.TOO_SMALL, id="too few of them indexed"
        ),
        pytest.param({}, True, 3000, Bypass.FEW_MATCHES, id="a selective filter"),
        pytest.param({}, True, 15_000, None, id="a wide filter"),
        pytest.param(
            {"config": configuration(hnsw_config={"m": 0})}, False, None, Bypass.GRAPH_OFF, id="m is 0"
        ),
        pytest.param(
            {"config": configuration(hnsw_config={"m": 0, "payload_m": 16})},
            False,
            None,
            Bypass.GRAPH_OFF,
            id="a graph for filtered searches only, without a filter",
        ),
        pytest.param(
            {"config": configuration(hnsw_config={"m": 0, "payload_m": 16})},
            True,
            15_000,
            None,
            id="a graph for filtered searches only, with one",
        ),
    ],
)
def test_why_the_graph_is_not_walked(
    changes: dict[str, Any], filtered: bool, matching: int | None, expected: Bypass | None
) -> None:
    index = parse_index(collection(**changes))
    assert find_bypass(index, index.vectors[0], filtered=filtered, matching=matching) is expected

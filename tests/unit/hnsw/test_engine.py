"""Against the real engine: real graphs, whose recall is also measured without the probe.

The outside ground truth is a brute force in numpy over the vectors that were stored, for queries drawn
independently of the probe's. Both are samples of the same distribution, so they may differ by their standard
errors; the bound is four of them (one false alarm in 16,000 comparisons), and
a second assertion keeps the bound small enough to notice a probe that measures something else.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from vectorwatch.errors import Reason, TargetError

if TYPE_CHECKING:
    from .conftest import Engine

Array = np.ndarray[Any, Any]
Open = Callable[..., Any]
Read = Callable[..., dict[Any, float]]

STANDARD_ERRORS = 4
# Hard on purpose: random vectors have no structure that a graph could use, so that recall stays below 1.
POINTS, SIZE = 20_000, 64
HARD = {
    "vectors": {"size": SIZE, "distance": "Cosine"},
    "hnsw_config": {"m": 8, "ef_construct": 64, "full_scan_threshold": 10},
    "optimizers_config": {"indexing_threshold": 100},
}
# Room for some hundred queries in one round.
GENEROUS = {
    "queries_per_minute": 2000,
    "max_load_ratio": 1.0,
    "interval_seconds": 60,
    "slow_search_seconds": 30,
}


@dataclass(frozen=True)
class Outside:
    """Recall measured without the probe."""

    ratio: float
    standard_error: float


def random_vectors(count: int, size: int = SIZE, seed: int = 11) -> Array:
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float64)


def draw_queries(stored: Array, count: int, noise: float = 0.5, seed: int = 99) -> Array:
    """Draw as the probe is documented to: a stored unit vector plus noise of `noise` times its length."""
    rng = np.random.default_rng(seed)
    chosen = stored[rng.integers(len(stored), size=count)]
    return (unit(chosen) + noise * unit(rng.standard_normal(chosen.shape))).astype(np.float32)


def measure_outside(engine: Engine, name: str, stored: Array, ef: int, k: int = 10, **params: Any) -> Outside:
    """Return the recall@k of what the engine answers, judged by cosines computed here."""
    queries = draw_queries(stored, 400)
    cosines = unit(queries) @ unit(stored).T
    thresholds = np.partition(cosines, -k, axis=1)[:, -k]
    found = engine.search(name, queries, ef, k, **params)
    ratios = np.mean(np.take_along_axis(cosines, found, axis=1) >= thresholds[:, None] - 1e-6, axis=1)
    # A bootstrap over queries, which makes no assumption on how hits of one query hang together.
    rng = np.random.default_rng(5)
    means = [np.mean(rng.choice(ratios, len(ratios))) for _ in range(1000)]
    return Outside(float(np.mean(ratios)), float(np.std(means)))


@pytest.fixture(scope="module")
def hard(engine: Engine) -> tuple[str, Array]:
    stored = random_vectors(POINTS)
    engine.create("hard", **HARD)
    engine.store("hard", stored)
    engine.wait_until_indexed("hard", POINTS)
    return "hard", stored


async def test_recall_equals_a_ground_truth_computed_outside_at_every_ef(
    engine: Engine, hard: tuple[str, Array], open_probe: Open, read: Read
) -> None:
    name, stored = hard
    efs = [16, 64, 256]
    async with open_probe(
        engine.url, collections=[{"name": name}], ef=efs, window_queries=1000, **GENEROUS
    ) as probe:
        await probe.run_round()
        probe.state.check()
        ratios = read(probe, "hnsw_recall_ratio", "ef")
        errors = read(probe, "hnsw_recall_standard_error_ratio", "ef")
        hits = read(probe, "hnsw_recall_hits_total", "ef")
        expected = read(probe, "hnsw_recall_expected_total", "ef")
        assert read(probe, "hnsw_graph_exercised") == {(): 1}
        assert read(probe, "hnsw_indexed_vectors") == {(): POINTS}
    for ef in map(str, efs):
        outside = measure_outside(engine, name, stored, int(ef))
        bound = STANDARD_ERRORS * math.hypot(errors[ef], outside.standard_error)
        assert hits[ef] / expected[ef] == pytest.approx(ratios[ef])
        assert expected[ef] >= 3000
        assert abs(ratios[ef] - outside.ratio) <= bound, f"ef={ef}: {ratios[ef]} and {outside}"
        assert bound < 0.1
    assert ratios["16"] < 0.7
    assert ratios["16"] + 0.1 < ratios["64"] < ratios["256"] - 0.05 < 0.99


async def test_stored_vectors_as_queries_would_flatter_the_index(
    engine: Engine, hard: tuple[str, Array], open_probe: Open, read: Read
) -> None:
    """Why queries are perturbed: users' queries are harder for the graph than its own nodes."""
    name, stored = hard
    async with open_probe(
        engine.url, collections=[{"name": name}], ef=[16], perturbation_ratio=0.001, **GENEROUS
    ) as probe:
        await probe.run_round()
        flattering = read(probe, "hnsw_recall_ratio", "ef")["16"]
    outside = measure_outside(engine, name, stored, 16)
    assert flattering > outside.ratio + STANDARD_ERRORS * outside.standard_error


@pytest.mark.parametrize("distance", ["Euclid", "Manhattan", "Dot"])
async def test_every_distance_is_judged_in_its_own_direction(
    engine: Engine, open_probe: Open, read: Read, distance: str
) -> None:
    name = f"distance-{distance}"
    engine.create(name, **HARD | {"vectors": {"size": 32, "distance": distance}})
    engine.store(name, random_vectors(5000, 32))
    engine.wait_until_indexed(name, 5000)
    async with open_probe(engine.url, collections=[{"name": name}], ef=[10, 512], **GENEROUS) as probe:
        await probe.run_round()
        ratios = read(probe, "hnsw_recall_ratio", "ef")
        assert read(probe, "hnsw_discarded_queries_total", reason="written_between") == {(): 0}
    assert ratios["10"] < ratios["512"]
    assert ratios["512"] > 0.85
    assert ratios["10"] > 0.05


async def test_scores_of_quantized_vectors_are_checked_against_the_originals(
    engine: Engine, open_probe: Open, read: Read
) -> None:
    name, stored = "binary", random_vectors(5000)
    engine.create(name, **HARD, quantization_config={"binary": {"always_ram": True}})
    engine.store(name, stored)
    engine.wait_until_indexed(name, 5000)
    plans = [{"name": name, "quantization": {"rescore": False}}]
    async with open_probe(engine.url, collections=plans, ef=[128], **GENEROUS) as probe:
        await probe.run_round()
        ratio = read(probe, "hnsw_recall_ratio", "ef")["128"]
        error = read(probe, "hnsw_recall_standard_error_ratio", "ef")["128"]
        assert read(probe, "hnsw_discarded_queries_total", reason="written_between") == {(): 0}
    outside = measure_outside(engine, name, stored, 128, quantization={"rescore": False})
    assert abs(ratio - outside.ratio) <= STANDARD_ERRORS * math.hypot(error, outside.standard_error)
    assert ratio < 0.8
    rescored = [{"name": name, "quantization": {"rescore": True, "oversampling": 8}}]
    async with open_probe(engine.url, collections=rescored, ef=[128], **GENEROUS) as probe:
        await probe.run_round()
        assert read(probe, "hnsw_recall_ratio", "ef")["128"] > ratio + 0.1


async def test_named_vectors_are_measured_each_and_sparse_ones_left_out(
    engine: Engine, open_probe: Open, read: Read
) -> None:
    name = "named"
    vectors = {"text": {"size": 32, "distance": "Cosine"}, "image": {"size": 16, "distance": "Euclid"}}
    engine.create(name, **HARD | {"vectors": vectors, "sparse_vectors": {"words": {}}})
    text, image = random_vectors(4000, 32), random_vectors(4000, 16)
    points = [
        {"id": number, "vector": {"text": text[number].tolist(), "image": image[number].tolist()}}
        for number in range(4000)
    ]
    engine.send("PUT", f"/{name}/points?wait=true", {"points": points})
    engine.wait_until_indexed(name, 8000)
    async with open_probe(engine.url, collections=[{"name": name}], ef=[10], **GENEROUS) as probe:
        await probe.run_round()
        probe.state.check()
        ratios = read(probe, "hnsw_recall_ratio", "vector")
        states = read(probe, "hnsw_state", "vector", "state")
    assert set(ratios) == {"text", "image"}
    assert ratios["text"] < 1
    assert (states["text", "measured"], states["words", "unsupported"]) == (1, 1)


async def test_a_filter_is_part_of_every_search(engine: Engine, open_probe: Open, read: Read) -> None:
    name, stored = "filtered", random_vectors(6000, 32)
    engine.create(name, **HARD | {"vectors": {"size": 32, "distance": "Cosine"}})
    engine.store(
        name, stored, payloads=[{"half": number % 2, "rare": number % 1000} for number in range(6000)]
    )
    # Without it Qdrant does not know how many points pass a filter.
    engine.send("PUT", f"/{name}/index?wait=true", {"field_name": "rare", "field_schema": "integer"})
    engine.wait_until_indexed(name, 6000)
    plans = [
        {"name": name, "filter": {"must": [{"key": key, "match": {"value": 0}}]}, "filter_name": key}
        for key in ("half", "rare")
    ]
    async with open_probe(engine.url, collections=plans, ef=[64], **GENEROUS) as probe:
        await probe.run_round()
        probe.state.check()
        expected = read(probe, "hnsw_recall_expected_total", "filter")
        queries = read(probe, "hnsw_queries_total", "filter", truth="fresh")
        exercised = read(probe, "hnsw_graph_exercised", "filter")
        bypassed = read(probe, "hnsw_graph_bypassed", "filter", "reason")
        ratios = read(probe, "hnsw_recall_ratio", "filter")
    assert expected["half"] == 10 * queries["half"]
    assert expected["rare"] == 6 * queries["rare"]  # only six points pass it
    assert ratios["rare"] == 1
    assert exercised["half"] == 1
    assert exercised["rare"] == 0
    assert bypassed["rare", "few_matches"] == 1


async def test_an_alias_is_as_good_as_a_name(
    engine: Engine, hard: tuple[str, Array], open_probe: Open, read: Read
) -> None:
    actions = [{"create_alias": {"collection_name": hard[0], "alias_name": "live"}}]
    engine.send("POST", "/aliases", {"actions": actions})
    async with open_probe(engine.url, collections=[{"name": "live"}], ef=[16]) as probe:
        await probe.run_round()
        probe.state.check()
        assert read(probe, "hnsw_recall_ratio", "collection")["live"] < 1


async def test_an_unindexed_and_an_empty_collection_are_told_apart(
    engine: Engine, open_probe: Open, read: Read
) -> None:
    engine.create("plain", vectors={"size": 32, "distance": "Cosine"})
    engine.store("plain", random_vectors(500, 32))
    engine.create("empty", vectors={"size": 32, "distance": "Cosine"})
    async with open_probe(engine.url, collections=[{"name": "plain"}, {"name": "empty"}]) as probe:
        await probe.run_round()
        probe.state.check()
        assert set(read(probe, "hnsw_recall_ratio", "ef").values()) == {1.0}
        assert read(probe, "hnsw_graph_exercised", "collection") == {"plain": 0}
        assert read(probe, "hnsw_graph_bypassed", "collection", reason="unindexed") == {"plain": 1}
        assert read(probe, "hnsw_state", "collection", state="empty") == {"plain": 0, "empty": 1}


async def test_strict_mode_and_rate_limits_are_reasons_of_their_own(
    engine: Engine, open_probe: Open, read: Read
) -> None:
    small = {"size": 8, "distance": "Dot"}
    engine.create("strict", vectors=small, strict_mode_config={"enabled": True, "search_allow_exact": False})
    engine.create("limited", vectors=small, strict_mode_config={"enabled": True, "read_rate_limit": 5})
    for name in ("strict", "limited"):
        engine.store(name, random_vectors(100, 8))
    async with open_probe(engine.url, collections=[{"name": "strict"}, {"name": "limited"}]) as probe:
        await probe.run_round()
        errors = read(probe, "hnsw_errors_total", "reason")
        assert (errors["strict_mode"], errors["rate_limited"]) == (1, 1)
        with pytest.raises(TargetError) as caught:
            probe.state.check()
        assert caught.value.reason is Reason.HTTP_STATUS


async def test_writes_during_a_round_neither_lower_recall_nor_stop_it(
    engine: Engine, open_probe: Open, read: Read
) -> None:
    name = "written"
    engine.create(
        name, vectors={"size": 8, "distance": "Cosine"}, optimizers_config={"indexing_threshold": 0}
    )
    engine.store(name, random_vectors(300, 8))
    rng = np.random.default_rng(4)
    url = f"{engine.url}/collections/{name}/points?wait=true"

    async def write(client: httpx.AsyncClient) -> None:
        while True:  # every point is rewritten again and again
            ids = rng.integers(300, size=30).tolist()
            vectors = rng.standard_normal((30, 8)).tolist()
            await client.put(url, json={"batch": {"ids": ids, "vectors": vectors}})

    async with (
        open_probe(
            engine.url, collections=[{"name": name}], ef=[64], **GENEROUS | {"queries_per_minute": 600}
        ) as probe,
        httpx.AsyncClient(timeout=30) as client,
    ):
        writer = asyncio.create_task(write(client))
        await probe.run_round()
        writer.cancel()
        probe.state.check()
        discarded = read(probe, "hnsw_discarded_queries_total", reason="written_between")[()]
        # Nothing is indexed, so that every search is exact: whatever is below 1 would be a write's doing.
        assert read(probe, "hnsw_recall_ratio", "ef") == {"64": 1.0}
        assert read(probe, "hnsw_queries_total", truth="fresh")[()] > 0
        assert discarded > 0


async def test_a_wrong_key_is_an_auth_error_and_the_right_one_works(
    start_own_engine: Callable[..., Any], tmp_path: Path, open_probe: Open
) -> None:
    key = tmp_path / "key"
    key.write_text("right")
    with start_own_engine("--api-key-file", str(key)) as engine:
        async with open_probe(engine.url, api_key="wrong") as probe:
            await probe.run_round()
            with pytest.raises(TargetError) as caught:
                probe.state.check()
            assert caught.value.reason is Reason.AUTH
        async with open_probe(engine.url, api_key_file=str(key)) as probe:
            await probe.run_round()
            probe.state.check()


async def test_an_engine_killed_in_the_middle_of_a_round_keeps_what_was_measured(
    start_own_engine: Callable[..., Any],
    open_probe: Open,
    read: Read,
    until: Callable[..., Awaitable[None]],
) -> None:
    own = start_own_engine()
    with own as engine:
        engine.create("docs", vectors={"size": 8, "distance": "Dot"})
        engine.store("docs", random_vectors(200, 8))
        async with open_probe(engine.url, **GENEROUS) as probe:
            round_ = asyncio.create_task(probe.run_round())
            await until(lambda: read(probe, "hnsw_recall_ratio"))
            own.process.kill()
            await asyncio.wait_for(round_, 60)
            with pytest.raises(TargetError) as caught:
                probe.state.check()
            assert caught.value.reason is Reason.CONNECT
            assert read(probe, "hnsw_errors_total", reason="connect") == {(): 1}
            assert read(probe, "hnsw_queries_total", truth="fresh")[()] >= 1

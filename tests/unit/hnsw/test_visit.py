"""What a visit does about each condition of a collection, against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Response

from vectorwatch.hnsw.trouble import Failure, Trouble

if TYPE_CHECKING:
    from .conftest import ManualClock, StandIn

Open = Callable[..., Any]
Read = Callable[..., dict[Any, float]]


def state_of(read: Read, probe: Any, collection: str = "docs") -> str:
    found = read(probe, "hnsw_state", "state", collection=collection)
    (state,) = [name for name, value in found.items() if value == 1]
    return str(state)


async def test_recall_is_what_the_graph_forgets(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.9, "64": 1.0}
        queries = read(probe, "hnsw_queries_total", "truth")
        assert queries["fresh"] > 10
        assert read(probe, "hnsw_recall_expected_total", "ef")["16"] == 10 * queries["fresh"]
        assert read(probe, "hnsw_recall_hits_total", "ef")["16"] == 9 * queries["fresh"]
        assert state_of(read, probe) == "measured"
        counts = read(probe, "hnsw_search_duration_seconds_count", "mode", "ef")
        assert counts == dict.fromkeys([("exact", ""), ("ann", "16"), ("ann", "64")], queries["fresh"])
        probe.state.check()


async def test_each_round_begins_with_a_search_that_is_not_counted(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    async with open_probe(serve_stand_in(stand_in), queries_per_minute=1) as probe:
        await probe.run_round()
        assert read(probe, "hnsw_requests_total", "mode")["ann"] == 3
        assert sum(read(probe, "hnsw_search_duration_seconds_count", "ef", mode="ann").values()) == 2


async def test_an_empty_collection_is_left_alone(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    docs = stand_in.collections["docs"]
    docs.vectors = docs.vectors[:0]
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert state_of(read, probe) == "empty"
        assert stand_in.searches() == 0
        probe.state.check()


async def test_an_optimizing_collection_is_measured_less_often_but_measured(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read, clock: ManualClock
) -> None:
    stand_in.collections["docs"].info = {"status": "yellow"}
    measured_at = []
    async with open_probe(serve_stand_in(stand_in), clock, interval_seconds=30) as probe:
        for round_number in range(60):
            before = stand_in.searches()
            await probe.run_round()
            if stand_in.searches() > before:
                measured_at.append(round_number)
            clock.seconds += 30
        assert state_of(read, probe) == "optimizing"
        assert read(probe, "hnsw_optimizing") == {(): 1}
        probe.state.check()
    assert measured_at[0] == 1
    assert {later - earlier for earlier, later in pairwise(measured_at)} == {
        2,
        4,
        8,
    }


@pytest.mark.parametrize(
    ("info", "trouble", "state"),
    [
        pytest.param({"status": "yellow"}, Trouble.CONNECT, "optimizing", id="it restarted and optimizes"),
        pytest.param({"points_count": 0}, Trouble.DECODE, "empty", id="it was emptied"),
    ],
)
async def test_an_error_does_not_outlive_its_cause_where_nothing_is_measured(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    clock: ManualClock,
    info: dict[str, Any],
    trouble: Trouble,
    state: str,
) -> None:
    async with open_probe(serve_stand_in(stand_in), clock) as probe:
        await probe.run_round()
        (record,) = probe.state.collections["docs"].subjects.values()
        record.failure = Failure(trouble, "the connection broke in the middle of a visit")
        stand_in.collections["docs"].info = info
        clock.seconds += 30
        await probe.run_round()
        assert state_of(read, probe) == state
        probe.state.check()


async def test_after_optimizing_every_round_measures_again(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read, clock: ManualClock
) -> None:
    docs = stand_in.collections["docs"]
    docs.info = {"status": "yellow"}
    async with open_probe(serve_stand_in(stand_in), clock) as probe:
        await probe.run_round()
        docs.info = {}
        clock.seconds += 30
        for _ in range(3):
            before = stand_in.searches()
            await probe.run_round()
            assert stand_in.searches() > before
            clock.seconds += 30
        assert state_of(read, probe) == "measured"


async def test_a_slow_server_is_given_time(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    clock: ManualClock,
    always: Callable[..., Any],
) -> None:
    async def dawdle(method: str, path: str, body: dict[str, Any]) -> None:
        if "hnsw_ef" in body.get("params", {}):
            clock.seconds += 2.0

    stand_in.fault = dawdle
    async with open_probe(serve_stand_in(stand_in), clock, slow_search_seconds=1, max_load_ratio=1) as probe:
        await probe.run_round()
        assert state_of(read, probe) == "slow"
        assert read(probe, "hnsw_queries_total", truth="fresh") == {(): 1}
        searches = stand_in.searches()
        clock.seconds += 20
        await probe.run_round()
        assert stand_in.searches() == searches
        clock.seconds += 11
        await probe.run_round()
        assert stand_in.searches() > searches
        probe.state.check()


@pytest.mark.parametrize(
    ("status", "body", "reason", "pause_seconds", "longest_seconds"),
    [
        pytest.param(
            400,
            '{"status":{"error":"Bad request: Exact search disabled!. Help: Set exact=false."},"time":0}',
            "strict_mode",
            300,
            900,
            id="strict mode",
        ),
        pytest.param(
            403,
            '{"status":{"error":"Forbidden: Exact search disabled!. Help: Set exact=false."},"time":0}',
            "strict_mode",
            300,
            900,
            id="strict mode before 1.15",
        ),
        pytest.param(429, '{"status":{"error":"Rate limiting exceeded"}}', "rate_limited", 30, 900, id="429"),
        pytest.param(500, "oops", "http_status", 30, 900, id="500"),
        pytest.param(200, "<html>", "decode", 30, 900, id="HTML"),
        pytest.param(200, '{"result":{"points":[{"id":1,"score":NaN}]}}', "decode", 30, 900, id="NaN"),
        pytest.param(200, '{"result":{"points":[{"id":1,"sco', "decode", 30, 900, id="cut JSON"),
        pytest.param(200, "", "decode", 30, 900, id="nothing"),
    ],
)
async def test_a_refusal_is_counted_and_answered_with_growing_pauses(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    clock: ManualClock,
    always: Callable[..., Any],
    status: int,
    body: str,
    reason: str,
    pause_seconds: int,
    longest_seconds: int,
) -> None:
    stand_in.fault = always("/points/query", status, body, exact=True)
    tries = []
    async with open_probe(serve_stand_in(stand_in), clock) as probe:
        for _ in range(200):
            before = stand_in.searches()
            await probe.run_round()
            if stand_in.searches() > before:
                tries.append(clock.seconds)
            clock.seconds += 10
        errors = read(probe, "hnsw_errors_total", "reason")
        assert state_of(read, probe) == "failing"
        assert {name for name, count in errors.items() if count} == {reason}
        assert errors[reason] == len(tries)
        assert read(probe, "hnsw_recall_ratio") == {}
        with pytest.raises(Exception, match="1 of 1 collections failed"):
            probe.state.check()
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses[0] == pause_seconds
    assert pauses[1] == min(2 * pause_seconds, longest_seconds)
    assert max(pauses) <= longest_seconds


async def test_a_refusal_of_one_vector_leaves_the_other_subjects_measured(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
) -> None:
    async def refuse(method: str, path: str, body: dict[str, Any]) -> Any:
        return Response("no", 400) if "filter" in body and "has_id" not in str(body) else None

    stand_in.fault = refuse
    plans = [{"name": "docs", "filter": {"must": []}, "filter_name": "bad"}, {"name": "docs"}]
    async with open_probe(serve_stand_in(stand_in), collections=plans) as probe:
        await probe.run_round()
        states = read(probe, "hnsw_state", "filter", "state")
        assert states["bad", "failing"] == 1
        assert states["", "measured"] == 1
        assert set(read(probe, "hnsw_recall_ratio", "filter")) == {""}


async def test_a_configured_collection_or_vector_that_is_missing_is_said_so(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    plans = [{"name": "docs", "vector": "text"}, {"name": "gone"}]
    async with open_probe(serve_stand_in(stand_in), collections=plans) as probe:
        await probe.run_round()
        states = read(probe, "hnsw_state", "collection", "vector", "state")
        assert states["docs", "text", "missing"] == 1
        assert states["gone", "", "missing"] == 1
        assert read(probe, "hnsw_errors_total", reason="not_found") == {(): 2}


async def test_sparse_vectors_and_multivectors_are_shown_as_unsupported(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    docs = stand_in.collections["docs"]
    config = docs.describe()["config"]
    config["params"]["sparse_vectors"] = {"words": {}}
    docs.info = {"config": config}
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        states = read(probe, "hnsw_state", "vector", "state")
        assert states["words", "unsupported"] == 1
        assert states["", "measured"] == 1
        probe.state.check()


async def test_points_without_the_vector_are_a_reason_of_their_own(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    docs = stand_in.collections["docs"]
    docs.info = {
        "config": docs.describe()["config"] | {"params": {"vectors": {"t": {"size": 8, "distance": "Dot"}}}}
    }
    search = docs.search
    docs.search = lambda body: [  # type: ignore[method-assign]
        point | {"vector": {}} for point in search(body)
    ]
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert read(probe, "hnsw_errors_total", reason="no_vectors") == {(): 1}


async def test_dear_exact_answers_are_used_again(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read, clock: ManualClock
) -> None:
    async def cost(method: str, path: str, body: dict[str, Any]) -> None:
        dear = body.get("params", {}).get("exact") and "filter" not in body
        stand_in.seconds = 3.0 if dear else 0.0001
        clock.seconds += 3.0 if dear else 0.0001

    stand_in.fault = cost
    values = {"reuse_queries": 4, "max_load_ratio": 0.01, "queries_per_minute": 20}
    async with open_probe(serve_stand_in(stand_in), clock, **values) as probe:
        started = clock.seconds
        for _ in range(400):
            await probe.run_round()
            clock.seconds += 30
        queries = read(probe, "hnsw_queries_total", "truth")
        assert queries["fresh"] == 4
        assert queries["reused"] > 100
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.9, "64": 1.0}
        assert read(probe, "hnsw_recall_window_queries") == {(): 4}
        spent = sum(read(probe, "hnsw_engine_seconds_total", "mode").values())
        assert spent / (clock.seconds - started) <= 0.01
        # The graph gets worse while the points stay as they are: kept answers tell at once.
        stand_in.collections["docs"].forgets = {16: {1, 2, 3}, 64: {1}}
        for _ in range(10):
            await probe.run_round()
            clock.seconds += 30
        assert read(probe, "hnsw_queries_total", truth="fresh") == {(): 4}
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.7, "64": 0.9}


async def test_a_kept_answer_that_is_no_longer_true_is_dropped(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read, clock: ManualClock
) -> None:
    async def cost(method: str, path: str, body: dict[str, Any]) -> None:
        dear = body.get("params", {}).get("exact") and "filter" not in body
        clock.seconds += 3.0 if dear else 0.0001

    stand_in.fault, stand_in.seconds = cost, None
    async with open_probe(serve_stand_in(stand_in), clock, reuse_queries=2, queries_per_minute=20) as probe:
        for _ in range(60):
            await probe.run_round()
            clock.seconds += 30
        assert read(probe, "hnsw_queries_total", "truth")["reused"] > 0
        docs = stand_in.collections["docs"]
        docs.vectors = docs.vectors[::-1].copy()  # every id now has another vector
        for _ in range(60):
            await probe.run_round()
            clock.seconds += 30
        assert read(probe, "hnsw_discarded_queries_total", reason="written_between") == {(): 2}
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.9, "64": 1.0}

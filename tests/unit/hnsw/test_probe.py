"""Rounds: budget, fairness, outages, clocks; against the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Response

from vectorwatch.errors import Reason, TargetError

if TYPE_CHECKING:
    from .conftest import ManualClock, StandIn

Open = Callable[..., Any]
Read = Callable[..., dict[Any, float]]


def reason_of(probe: Any) -> Reason | None:
    try:
        probe.state.check()
    except TargetError as error:
        return error.reason
    return None


async def test_a_server_never_gets_more_searches_than_the_budget_allows(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    clock: ManualClock,
    stand_in_collection: Callable[..., Any],
) -> None:
    for name in ("a", "b", "c"):
        stand_in.collections[name] = stand_in_collection(forgets={16: {0}, 64: {2}})
    minutes, per_minute, query_cost = 20, 60, 5
    async with open_probe(serve_stand_in(stand_in), clock, queries_per_minute=per_minute) as probe:
        for _ in range(2 * minutes):
            await probe.run_round()
            clock.seconds += 30
    # One minute is saved up at the start; sampling and the uncounted search belong to the last query.
    assert stand_in.searches() <= per_minute * (minutes + 1) + query_cost + 2
    assert stand_in.searches() >= 0.8 * per_minute * minutes


async def test_the_engines_time_bounds_dear_searches(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read, clock: ManualClock
) -> None:
    async def cost(method: str, path: str, body: dict[str, Any]) -> None:
        stand_in.seconds = 0.2 if body.get("params", {}).get("exact") else 0.02
        clock.seconds += stand_in.seconds

    stand_in.fault = cost
    async with open_probe(
        serve_stand_in(stand_in), clock, max_load_ratio=0.01, reuse_queries=0, slow_search_seconds=5
    ) as probe:
        started = clock.seconds
        for _ in range(240):
            await probe.run_round()
            clock.seconds += 30
        elapsed = clock.seconds - started
        spent = sum(read(probe, "hnsw_engine_seconds_total", "mode").values())
    assert spent <= 0.01 * (elapsed + 30) + 0.5
    assert spent >= 0.005 * elapsed


async def test_every_collection_has_its_turn(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    clock: ManualClock,
    stand_in_collection: Callable[..., Any],
) -> None:
    stand_in.collections = {f"c{number}": stand_in_collection(count=50) for number in range(30)}
    async with open_probe(serve_stand_in(stand_in), clock, queries_per_minute=30) as probe:
        for _ in range(40):
            await probe.run_round()
            clock.seconds += 30
        queries = read(probe, "hnsw_queries_total", "collection", truth="fresh")
    assert len(queries) == 30
    assert max(queries.values()) - min(queries.values()) <= 8
    assert min(queries.values()) >= 1


async def test_collections_beyond_the_limit_and_excluded_ones_are_left_out(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    stand_in_collection: Callable[..., Any],
) -> None:
    stand_in.collections = {name: stand_in_collection(count=50) for name in "dcba"}
    async with open_probe(serve_stand_in(stand_in), exclude=["a"], max_collections=2) as probe:
        await probe.run_round()
        assert set(read(probe, "hnsw_points", "collection")) == {"b", "c"}
        assert read(probe, "hnsw_skipped_collections") == {(): 1}


async def test_a_collection_that_is_deleted_loses_its_series_and_others_keep_theirs(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    stand_in_collection: Callable[..., Any],
) -> None:
    stand_in.collections["other"] = stand_in_collection(count=50)
    names = (
        "hnsw_points",
        "hnsw_recall_hits_total",
        "hnsw_search_duration_seconds_count",
        "hnsw_recall_ratio",
    )
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert all(set(read(probe, name, "collection")) == {"docs", "other"} for name in names)
        del stand_in.collections["docs"]
        await probe.run_round()
        assert all(set(read(probe, name, "collection")) == {"other"} for name in names)
        probe.state.check()


async def test_old_measurements_lose_their_gauges_and_keep_their_counters(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    clock: ManualClock,
    always: Callable[..., Any],
) -> None:
    async with open_probe(serve_stand_in(stand_in), clock) as probe:
        await probe.run_round()
        hits = read(probe, "hnsw_recall_hits_total", "ef")
        stand_in.fault = always("/collections", 500)
        clock.seconds += 601
        await probe.run_round()
        assert read(probe, "hnsw_recall_ratio") == {}
        assert read(probe, "hnsw_points") == {}
        assert read(probe, "hnsw_graph_exercised") == {}
        assert read(probe, "hnsw_recall_hits_total", "ef") == hits
        assert reason_of(probe) is Reason.HTTP_STATUS


async def test_a_dead_server_is_noticed_and_so_is_its_return(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    free_port: Callable[[], int],
) -> None:
    async with open_probe(f"http://127.0.0.1:{free_port()}") as probe:
        await probe.run_round()
        assert reason_of(probe) is Reason.CONNECT
        assert read(probe, "hnsw_errors_total", reason="connect") == {(): 1}
        alive = serve_stand_in(stand_in)
        probe.target = probe.target.model_copy(update={"url": alive})
        await probe.run_round()
        assert reason_of(probe) is None
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.9, "64": 1.0}


async def test_a_server_that_fails_in_the_middle_of_a_round_keeps_what_was_measured(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    raw_server: Callable[..., int],
) -> None:
    async def fail_later(method: str, path: str, body: dict[str, Any]) -> Response | None:
        return Response("out of memory", 500) if len(stand_in.requests) > 20 else None

    stand_in.fault = fail_later
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        queries = read(probe, "hnsw_queries_total", truth="fresh")
        assert queries[()] >= 1
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.9, "64": 1.0}
        assert reason_of(probe) is Reason.HTTP_STATUS
        closes_without_a_word = raw_server(b"")
        probe.target = probe.target.model_copy(update={"url": f"http://127.0.0.1:{closes_without_a_word}"})
        await probe.run_round()
        assert reason_of(probe) is Reason.CONNECT
        assert read(probe, "hnsw_queries_total", truth="fresh") == queries


async def test_a_hanging_server_costs_one_deadline_a_try(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    always: Callable[..., Any],
) -> None:
    stand_in.fault = always("/points/query", hang_seconds=60)
    async with open_probe(serve_stand_in(stand_in), query_timeout_seconds=2) as probe:
        await asyncio.wait_for(probe.run_round(), 30)
        assert reason_of(probe) is Reason.TIMEOUT
        assert read(probe, "hnsw_errors_total", reason="timeout") == {(): 1}
        assert stand_in.searches() == 1
        await asyncio.wait_for(probe.run_round(), 30)
        assert stand_in.searches() == 1  # it backs off


async def test_a_wrong_key_is_tried_again_in_the_next_round(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    async def refuse(method: str, path: str, body: dict[str, Any]) -> Response | None:
        return Response("Invalid API key or JWT", 401)

    stand_in.fault = refuse
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert reason_of(probe) is Reason.AUTH
        stand_in.fault = None
        await probe.run_round()
        assert reason_of(probe) is None


async def test_a_key_file_that_disappears_is_an_auth_error(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, tmp_path: Any
) -> None:
    key = tmp_path / "key"
    key.write_text("secret")
    async with open_probe(serve_stand_in(stand_in), api_key_file=str(key)) as probe:
        key.unlink()
        await probe.run_round()
        assert reason_of(probe) is Reason.AUTH


async def test_a_defect_of_the_probe_ends_the_round_and_not_the_program(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    def fail() -> float:
        raise ZeroDivisionError("defect")

    async with open_probe(serve_stand_in(stand_in)) as probe:
        probe._rng.gauss = lambda *_: fail()
        await probe.run_round()
        assert reason_of(probe) is Reason.INTERNAL
        assert read(probe, "hnsw_errors_total", reason="internal") == {(): 1}


async def test_a_collection_with_a_hostile_name_is_measured_and_exposed(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    stand_in.collections = {'"}\n# ': stand_in.collections["docs"]}
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert set(read(probe, "hnsw_recall_ratio", "collection")) == {'"}\n# '}


async def test_a_clock_that_jumps_harms_nothing(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read, clock: ManualClock
) -> None:
    async with open_probe(serve_stand_in(stand_in), clock) as probe:
        for jump in (0, -500_000, 30, 10_000_000, 30):
            clock.seconds += jump
            await probe.run_round()
        assert read(probe, "hnsw_recall_ratio", "ef") == {"16": 0.9, "64": 1.0}
        assert reason_of(probe) is None
        assert stand_in.searches() < 5 * 130


async def test_nothing_is_ever_written(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open
) -> None:
    plans = [{"name": "docs"}, {"name": "docs", "filter": {"must": []}, "filter_name": "all"}]
    async with open_probe(serve_stand_in(stand_in), collections=plans) as probe:
        for _ in range(3):
            await probe.run_round()
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
    asked = {(method, path) for method, path, _ in stand_in.requests}
    assert asked == {
        ("GET", "/collections"),
        ("GET", "/collections/docs"),
        ("POST", "/collections/docs/points/query"),
        ("POST", "/collections/docs/points/count"),
    }


async def test_rounds_follow_the_interval_until_they_are_cancelled(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    read: Read,
    until: Callable[..., Awaitable[None]],
) -> None:
    async with open_probe(serve_stand_in(stand_in), interval_seconds=1, queries_per_minute=1000) as probe:
        task = asyncio.create_task(probe.run())
        await until(lambda: probe.state.rounds >= 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert read(probe, "hnsw_last_round_timestamp_seconds")[()] > 1.6e9

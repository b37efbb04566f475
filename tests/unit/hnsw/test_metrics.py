from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vectorwatch.hnsw import metrics
from vectorwatch.hnsw.index import Bypass
from vectorwatch.serve.exposition import render
from vectorwatch.serve.metric import Sink, Table
from vectorwatch.serve.scrape import outcome_table

if TYPE_CHECKING:
    from .conftest import ManualClock, StandIn

Open = Callable[..., Any]
Read = Callable[..., dict[Any, float]]
GOLDEN = Path(__file__).parent / "golden" / "stand-in.prom"
TABLES = [value for value in vars(metrics).values() if isinstance(value, Table)] + [outcome_table("hnsw")]
NAMES = [metric.name for table in TABLES for metric in table.metrics]


def test_names_follow_the_convention_and_stand_once() -> None:
    assert len(NAMES) == len(set(NAMES))
    for name in NAMES:
        assert re.fullmatch(r"hnsw_[a-z_]+[a-z]", name), name
        assert not name.endswith(("_sum", "_count", "_bucket")), name


async def test_the_exposition_is_the_golden_one(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    open_probe: Open,
    show: Callable[..., str],
    clock: ManualClock,
) -> None:
    stand_in.seconds = None  # nothing that differs from run to run: the clock stands still
    async with open_probe(serve_stand_in(stand_in), clock, lambda: 1.7e9) as probe:
        await probe.run_round()
        lines = sorted(show(probe).splitlines())
    if not GOLDEN.exists():  # `make golden` removes it; the diff shows what has moved
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text("\n".join(lines) + "\n")
        pytest.fail(f"{GOLDEN.name} was missing and is written now: read it, then run again")
    assert lines == GOLDEN.read_text().splitlines()


async def test_errors_of_every_reason_are_there_from_the_start(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    async with open_probe(serve_stand_in(stand_in)) as probe:
        errors = read(probe, "hnsw_errors_total", "reason")
        assert {"auth", "timeout", "strict_mode", "rate_limited", "connect", "decode", "no_vectors"} < set(
            errors
        )
        assert set(errors.values()) == {0}
        assert read(probe, "hnsw_rounds_total") == {(): 0}


async def test_a_scan_is_not_called_a_walk_of_the_graph(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    docs = stand_in.collections["docs"]
    docs.info, docs.forgets = {"indexed_vectors_count": 0}, {}
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert read(probe, "hnsw_graph_exercised") == {(): 0}
        bypassed = read(probe, "hnsw_graph_bypassed", "reason")
        assert {reason for reason, value in bypassed.items() if value} == {Bypass.UNINDEXED.value}


async def test_a_recall_below_one_proves_that_something_was_approximated(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open, read: Read
) -> None:
    stand_in.collections["docs"].info = {"indexed_vectors_count": 0}
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        assert read(probe, "hnsw_graph_exercised") == {(): 1}


async def test_histograms_too_stay_below_the_ceiling_and_are_counted(
    stand_in: StandIn, serve_stand_in: Callable[..., str], open_probe: Open
) -> None:
    async with open_probe(serve_stand_in(stand_in)) as probe:
        await probe.run_round()
        full = Sink(10_000)
        metrics.expose(probe.state, full, stale_after_seconds=600, max_series=10_000)
        assert full.dropped == 0
        ceiling = full.series + 20  # room for one histogram of three
        small = Sink(ceiling)
        metrics.expose(probe.state, small, stale_after_seconds=600, max_series=ceiling)
        text = render(small.families(), small.registries, use_openmetrics=False).decode()
        series = [line for line in text.splitlines() if not line.startswith("#")]
        assert len(series) <= ceiling
        assert small.dropped == 36

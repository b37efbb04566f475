"""Runs on a real engine and a real Valkey."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import redis
import trustme

from tests.unit.benchmark.conftest import add_points, delaying_proxy
from vectorwatch.benchmark.cache import KEYS
from vectorwatch.benchmark.figure import Subject
from vectorwatch.benchmark.metrics import expose
from vectorwatch.benchmark.record import Server
from vectorwatch.benchmark.runner import Runner
from vectorwatch.serve.metric import Sink

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(runner: Runner) -> Samples:
    sink = Sink(1000)
    expose(runner.record, sink)
    return {(family.name, labels): value for family in sink.families() for labels, value in family.samples}


@asynccontextmanager
async def session_of(runner: Runner) -> AsyncIterator[aiohttp.ClientSession]:
    runner.record.folder.create()
    runner.record.load()
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_run_measures_every_collection_and_every_command(
    engine: str, start_valkey: Callable[..., Any], make_settings: Callable[..., Any]
) -> None:
    cache = f"redis://127.0.0.1:{start_valkey().port}"
    runner = Runner(make_settings(qdrant_url=engine, cache_url=cache))
    async with session_of(runner) as session:
        await runner.run_once(session)
    measured = {tuple(subject): one.figure for subject, one in runner.record.measured.items()}
    assert set(measured) == {
        ("qdrant", engine, "", "ping"),
        ("qdrant", engine, "docs", "search"),  # the empty collection has nothing to search
        *(("cache", cache, "", name) for name in ("ping", "set", "get", "mget")),
    }
    assert all(figure.seconds > 0 and figure.requests == 5 for figure in measured.values())
    assert measured["qdrant", engine, "docs", "search"].conditions == {
        "points": 200,
        "vector_size": 16,
        "k": 10,
    }
    shown = samples(runner)
    assert shown["benchmark_runs_total", ("qdrant", engine, "success")] == 1
    assert shown["benchmark_runs_total", ("cache", cache, "failure")] == 0
    assert ("benchmark_baseline_seconds", ("cache", cache, "", "get")) not in shown


async def test_the_cache_is_left_as_it_was(
    start_valkey: Callable[..., Any], make_settings: Callable[..., Any]
) -> None:
    port = start_valkey().port
    with redis.Redis(port=port) as client:
        client.set("mine", "1")
        runner = Runner(make_settings(cache_url=f"redis://127.0.0.1:{port}"))
        async with session_of(runner) as session:
            await runner.run_once(session)
        assert client.keys() == [b"mine"]
        writes = client.info("commandstats")["cmdstat_set"]["calls"]
        silent = Runner(make_settings(cache_url=f"redis://127.0.0.1:{port}", cache_writes=False))
        async with session_of(silent) as session:
            await silent.run_once(session)
        assert client.info("commandstats")["cmdstat_set"]["calls"] == writes
        assert [subject.benchmark for subject in silent.record.measured] == ["ping"]
        assert not client.keys(f"{KEYS}*")


async def test_an_authority_for_caches_with_tls_leaves_one_without_it_alone(
    start_valkey: Callable[..., Any], make_settings: Callable[..., Any], tmp_path: Path
) -> None:
    plain, encrypted = (f"{scheme}://127.0.0.1:{start_valkey().port}" for scheme in ("redis", "rediss"))
    authority = tmp_path / "ca.crt"
    authority.write_bytes(trustme.CA().cert_pem.bytes())
    targets = tmp_path / "targets.yml"
    targets.write_text(json.dumps([{"targets": [encrypted, plain]}]))
    runner = Runner(make_settings(cache_targets_file=str(targets), cache_ca_file=str(authority)))
    async with session_of(runner) as session:
        await runner.run_once(session)
    runs = {key[1][1:]: value for key, value in samples(runner).items() if key[0] == "benchmark_runs_total"}
    assert runs[plain, "success"] == 1
    assert runs[encrypted, "failure"] == 1


async def test_the_first_runs_make_the_baseline_and_a_slower_server_is_seen_against_it(
    engine: str, make_settings: Callable[..., Any]
) -> None:
    async with delaying_proxy(urlsplit(engine).port or 0) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        runner = Runner(make_settings(qdrant_url=url, baseline_runs=3))
        search = ("qdrant", url, "docs", "search")
        async with session_of(runner) as session:
            for _ in range(3):
                await runner.run_once(session)
            before = samples(runner)
            proxy.delay_seconds = 0.3
            await runner.run_once(session)
    after = samples(runner)
    assert after["benchmark_baseline_seconds", search] == before["benchmark_baseline_seconds", search]
    assert after["benchmark_duration_seconds", search] > 0.3
    assert after["benchmark_baseline_stale", search] == 0
    assert before["benchmark_baseline_seconds", search] < 0.3


async def test_a_restart_loses_no_figure(engine: str, make_settings: Callable[..., Any]) -> None:
    settings = make_settings(qdrant_url=engine, baseline_runs=3)
    subject = Subject("qdrant", engine, "docs", "search")
    for number in range(3):
        runner = Runner(settings)
        async with session_of(runner) as session:
            assert subject not in runner.record.baselines, number
            await runner.run_once(session)
    assert runner.record.baselines[subject].runs == 3


async def test_another_size_of_the_data_makes_the_baseline_stale_and_no_alarm(
    engine: str, make_settings: Callable[..., Any]
) -> None:
    runner = Runner(make_settings(qdrant_url=engine, baseline_runs=3))
    search = ("qdrant", engine, "docs", "search")
    async with session_of(runner) as session:
        for _ in range(3):
            await runner.run_once(session)
        with httpx.Client(base_url=engine, timeout=60, trust_env=False) as client:
            add_points(client, 1000, 400)
        await runner.run_once(session)
        assert samples(runner)["benchmark_baseline_stale", search] == 1
        assert samples(runner)["benchmark_baseline_stale", ("qdrant", engine, "", "ping")] == 0


async def test_a_server_that_is_down_is_a_failure_of_its_own_and_said_once(
    engine: str,
    free_port: Callable[[], int],
    make_settings: Callable[..., Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dead = f"127.0.0.1:{free_port()}"
    lists = tmp_path / "qdrant.yml"
    lists.write_text(f"- targets: ['{dead}']\n", encoding="utf-8")
    runner = Runner(make_settings(qdrant_url=engine, qdrant_targets_file=str(lists)))
    async with session_of(runner) as session:
        with caplog.at_level(logging.WARNING):
            await runner.run_once(session)
            await runner.run_once(session)
        shown = samples(runner)
        assert shown["benchmark_runs_total", ("qdrant", dead, "failure")] == 2
        assert shown["benchmark_runs_total", ("qdrant", engine, "success")] == 2
        assert ("benchmark_last_success_timestamp_seconds", ("qdrant", dead)) not in shown
        assert [record.message.split(": ")[:2] for record in caplog.records] == [[dead, "connect"]]
        lists.write_text("[]\n", encoding="utf-8")
        await runner.run_once(session)
    assert Server("qdrant", dead) not in {server for server, _ in runner.record.runs}


async def test_a_wrong_password_and_a_wrong_key_are_told(
    start_valkey: Callable[..., Any], make_settings: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    port = start_valkey("--requirepass", "right").port
    for secret, outcome in (("wrong", "failure"), ("right", "success")):
        runner = Runner(make_settings(cache_url=f"redis://127.0.0.1:{port}", cache_password=secret))
        async with session_of(runner) as session:
            await runner.run_once(session)
        assert runner.record.runs[Server("cache", f"redis://127.0.0.1:{port}"), outcome] == 1
    assert "auth: refused" in caplog.text
    assert "wrong" not in caplog.text.replace("WRONGPASS", "")


async def test_a_damaged_baseline_is_said_and_not_written_over_while_the_figures_go_on(
    engine: str, make_settings: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    runner = Runner(make_settings(qdrant_url=engine, baseline_runs=3))
    runner.record.folder.create()
    runner.record.folder.baseline_file.write_text("{", encoding="utf-8")
    async with session_of(runner) as session:
        for _ in range(4):
            await runner.run_once(session)
        assert runner.record.folder.baseline_file.read_text(encoding="utf-8") == "{"
        assert samples(runner)["benchmark_baseline_readable", ()] == 0
        assert samples(runner)["benchmark_duration_seconds", ("qdrant", engine, "docs", "search")] > 0
        assert caplog.text.count("is damaged") == 1
        runner.record.folder.baseline_file.unlink()
        await runner.run_once(session)
    assert samples(runner)["benchmark_baseline_readable", ()] == 1
    assert len(runner.record.folder.read_baselines()) == 2

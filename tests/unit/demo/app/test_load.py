from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from vectorwatch.demo.app.load import Generator, Load, Users
from vectorwatch.demo.app.question import AGENTS, MODES, Question
from vectorwatch.demo.app.suspicion import find_attempt

Poll = Callable[..., None]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_same_seed_asks_the_same() -> None:
    first, second = Users(7), Users(7)
    assert [first.choose(["a", "b"]) for _ in range(50)] == [second.choose(["a", "b"]) for _ in range(50)]


def test_users_ask_in_every_mode_some_questions_often_and_behave_badly_now_and_then() -> None:
    users = Users(1)
    requests = [users.choose(["key"]) for _ in range(3_000)]
    bodies = [one.body or {} for one in requests if one.path == "/v1/query"]
    assert {body["mode"] for body in bodies if "mode" in body} == set(MODES)
    assert {body["agent"] for body in bodies if "agent" in body} == set(AGENTS)
    [(_, most)] = Counter(body["question"] for body in bodies).most_common(1)
    assert most > 5 * len(bodies) / 600
    paths = Counter(one.path.partition("/articles")[0] for one in requests)
    assert paths["/v1/feedback"] > 200
    assert 0 < sum(one.key != "key" for one in requests) < 60
    for body in bodies:
        if "mode" in body:
            Question.model_validate(body)


def test_no_healthy_load_looks_like_an_attack() -> None:
    users = Users(1)
    attempts = [
        number
        for number in range(20_000)
        for one in [users.choose(["key"])]
        if one.key != "key" or find_attempt(str((one.body or {}).get("question", "")))
    ]
    seconds_apart = 300  # within which vectorwatch.instrument counts earlier ones
    requests_apart = min(later - former for former, later in pairwise(attempts))
    assert requests_apart >= seconds_apart * Load.requests_per_second


def test_a_session_ends_after_some_questions() -> None:
    users = Users(1)
    sessions = Counter(
        body["session"]
        for one in (users.choose(["key"]) for _ in range(500))
        if "session" in (body := one.body or {})
    )
    assert max(sessions.values()) == 8
    assert len(sessions) > 20


def test_the_rate_follows_the_day_between_night_and_noon() -> None:
    clock = Clock()
    load = Load(requests_per_second=10, day_seconds=100)
    generator = Generator(load, httpx.AsyncClient(), clock)
    rates = []
    for second in range(100):
        clock.now = float(second)
        rates.append(generator.rate())
    assert max(rates) == pytest.approx(10)
    assert min(rates) == pytest.approx(4)
    assert rates.index(max(rates)) == 25


@pytest.fixture
def service(serve: Callable[[FastAPI], str], tmp_path: Path) -> dict[str, Any]:
    """A stand-in of the service that knows one key and counts."""
    state: dict[str, Any] = {"key": "first", "seen": Counter(), "file": tmp_path / "keys.json"}
    app = FastAPI()

    @app.middleware("http")
    async def answer(request: Request, _: Any) -> Response:
        known = request.headers.get("X-API-Key") == state["key"]
        state["seen"][known] += 1
        return Response(status_code=200 if known else 401)

    state["url"] = serve(app)
    state["file"].write_text(json.dumps({"keys": ["first"]}))
    return state


async def test_it_reads_the_keys_again_when_the_service_has_others(service: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=service["url"], trust_env=False) as client:
        generator = Generator(Load(keys_file=service["file"]), client)
        await generator.send_once()
        service["key"] = "second"
        service["file"].write_text(json.dumps({"keys": ["second"]}))
        for _ in range(20):
            await generator.send_once()
    assert generator.statuses["200"] > 15


async def test_it_goes_on_when_the_service_is_down(
    free_port: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vectorwatch.demo.app.load._RETRY_SECONDS", 0.0)
    keys = tmp_path / "keys.json"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port()}", trust_env=False) as client:
        generator = Generator(Load(keys_file=keys), client)
        await generator.send_once()
        keys.write_text("{")
        await generator.send_once()
        keys.write_text(json.dumps({"keys": ["k"]}))
        await generator.send_once()
    assert generator.statuses == {"none": 1}


async def test_a_slow_service_is_not_asked_by_more_at_once(
    serve: Callable[[FastAPI], str], tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": ["k"]}))
    app, running, most = FastAPI(), Counter[str](), 0
    full = asyncio.Event()
    loop = asyncio.get_running_loop()

    @app.middleware("http")
    async def answer(_request: Request, _: Any) -> Response:
        nonlocal most
        running["now"] += 1
        most = max(most, running["now"])
        if most == 3:
            loop.call_soon_threadsafe(full.set)
        await asyncio.sleep(0.05)
        running["now"] -= 1
        return Response()

    load = Load(keys_file=keys, requests_per_second=1_000, at_once=3)
    async with httpx.AsyncClient(base_url=serve(app), trust_env=False) as client:
        generator = Generator(load, client)
        task = asyncio.ensure_future(generator.run())
        async with asyncio.timeout(30):
            await full.wait()
            while generator.statuses["200"] < 20:  # noqa: ASYNC110 - the generator tells nobody
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert most == 3


def test_the_program_logs_json_touches_its_heartbeat_and_ends_gently(
    service: dict[str, Any], tmp_path: Path, start_program: Callable[..., Any], poll: Poll, end_gently: Any
) -> None:
    heartbeat = tmp_path / "heartbeat"
    options = ("--url", service["url"], "--keys-file", str(service["file"]), "--heartbeat", str(heartbeat))
    argv = [sys.executable, "-m", "vectorwatch.demo.app.load", *options, "--requests-per-second", "50"]
    program = start_program(argv, ready=heartbeat.exists)
    poll(lambda: service["seen"][True] > 3, "requests")
    end_gently(program.process)
    [line] = map(json.loads, program.text().splitlines())
    assert (line["message"], line["service"]["name"]) == ("ended", "demo-load")


def test_a_rate_of_nothing_is_refused_in_one_line() -> None:
    argv = [sys.executable, "-m", "vectorwatch.demo.app.load", "--requests-per-second", "0"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "must be more than 0" in done.stderr

"""Every request is counted once, under its route, with the status that the client has seen."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from vectorwatch.instrument import http_metrics, instrument
from vectorwatch.instrument.middleware import choose_level, has_secret

Ask = Callable[..., Awaitable[httpx.Response]]
Value = Callable[..., float]
Lines = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()

    @made.get("/items/{item}")
    async def read(item: int) -> dict[str, int]:
        return {"item": item}

    @made.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @made.get("/broken")
    async def broken() -> None:
        raise RuntimeError("it broke")

    @made.get("/broken-off")
    async def broken_off() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError("it broke off")

        return StreamingResponse(body())

    @made.get("/endless")
    async def endless() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.01)

        return StreamingResponse(body())

    @made.get("/afterwards")
    async def afterwards(tasks: BackgroundTasks) -> str:
        def fail() -> None:
            raise RuntimeError("it broke afterwards")

        tasks.add_task(fail)
        return "ok"

    @made.get("/reset/{token}")
    async def reset(token: str) -> str:
        return "ok"

    @made.websocket("/chat/{room}")
    async def chat(socket: WebSocket, room: str) -> None:
        await socket.accept()
        if room == "broken":
            raise RuntimeError("it broke in the middle")
        while True:
            await socket.send_text(await socket.receive_text())

    @made.websocket("/refused")
    async def refused(socket: WebSocket) -> None:
        await socket.close()

    return made


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status"),
    [
        ("GET", "/items/17", "/items/{item}", "200"),
        ("GET", "/items/text", "/items/{item}", "422"),
        ("POST", "/items/17", "/items/{item}", "405"),
        ("GET", "/nowhere", "unmatched", "404"),
        ("GET", "/broken", "/broken", "500"),
        ("GET", "/broken-off", "/broken-off", "500"),
        ("GET", "/afterwards", "/afterwards", "200"),
        ("GET", "/items/17/", "unmatched", "307"),
    ],
)
async def test_a_request_counts_once_under_its_route_and_status(
    app: FastAPI, ask: Ask, value: Value, method: str, path: str, endpoint: str, status: str
) -> None:
    instrument(app, service="test")
    labels = {"method": method, "endpoint": endpoint}
    before = value("http_requests_total", **labels, status=status)
    timed = value("http_request_duration_seconds_count", **labels)
    await ask(app, path, method)
    assert value("http_requests_total", **labels, status=status) == before + 1
    assert value("http_request_duration_seconds_count", **labels) == timed + 1
    assert value("active_connections") == 0


async def test_a_method_that_nobody_knows_is_other_and_refused_once(
    app: FastAPI, ask: Ask, value: Value
) -> None:
    instrument(app, service="test")
    series: list[tuple[str, dict[str, str]]] = [
        ("http_requests_total", {"method": "other", "endpoint": "/items/{item}", "status": "405"}),
        (
            "vectorwatch_instrument_label_values_refused_total",
            {"metric": "http_requests_total", "label": "method", "reason": "not_allowed"},
        ),
    ]
    before = [value(name, **labels) for name, labels in series]
    await ask(app, "/items/1", "BREW")
    assert [value(name, **labels) for name, labels in series] == [one + 1 for one in before]


async def test_what_an_error_handler_answers_is_the_status(app: FastAPI, ask: Ask, value: Value) -> None:
    app.add_exception_handler(Exception, lambda *_: JSONResponse({}, status_code=503))
    instrument(app, service="test")
    labels = {"method": "GET", "endpoint": "/broken", "status": "503"}
    before = value("http_requests_total", **labels)
    assert (await ask(app, "/broken")).status_code == 503
    assert value("http_requests_total", **labels) == before + 1


async def test_what_a_middleware_answers_counts_even_when_it_was_added_later(
    app: FastAPI, ask: Ask, value: Value
) -> None:
    async def refuse(request: Request, call_next: Any) -> Response:
        return PlainTextResponse("no", status_code=401)

    instrument(app, service="test")
    app.add_middleware(BaseHTTPMiddleware, dispatch=refuse)
    for path, endpoint in (("/items/1", "/items/{item}"), ("/nowhere", "unmatched")):
        labels = {"method": "GET", "endpoint": endpoint, "status": "401"}
        before = value("http_requests_total", **labels)
        await ask(app, path)
        assert value("http_requests_total", **labels) == before + 1


class Copying:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(dict(scope), receive, send)


async def test_a_middleware_that_passes_on_a_copy_of_the_scope_hides_no_route(
    app: FastAPI, ask: Ask, value: Value
) -> None:
    instrument(app, service="test")
    app.add_middleware(Copying)
    labels = {"method": "GET", "endpoint": "/items/{item}", "status": "200"}
    before = value("http_requests_total", **labels)
    await ask(app, "/items/1")

    @app.get("/later/{item}")
    async def later(item: int) -> int:
        return item

    await ask(app, "/later/1")
    assert value("http_requests_total", **labels) == before + 1
    assert value("http_requests_total", **{**labels, "endpoint": "/later/{item}"}) == 1


@pytest.mark.parametrize("path", ["/metrics", "/health", "/health/detailed", "/health/part"])
async def test_our_own_routes_do_not_count(
    app: FastAPI, ask: Ask, value: Value, lines: Lines, path: str
) -> None:
    async def fine() -> None:
        return None

    instrument(app, service="test").health.add("part", fine)
    before = value("http_requests_total", method="GET", endpoint="unmatched", status="404")
    await ask(app, path)
    assert value("http_requests_total", method="GET", endpoint="unmatched", status="404") == before
    assert lines("vectorwatch") == []


async def test_an_instrumented_application_in_another_counts_once(
    app: FastAPI, ask: Ask, value: Value, lines: Lines
) -> None:
    outer = FastAPI()
    outer.mount("/inner", app)
    instrument(app, service="inner", configure_logs=False)
    instrument(outer, service="outer")
    series = [
        ("http_requests_total", {"method": "GET", "endpoint": endpoint, "status": "200"})
        for endpoint in ("/inner/items/{item}", "/items/{item}")
    ]
    before = [value(name, **labels) for name, labels in series]
    await ask(outer, "/inner/items/1")
    assert [value(name, **labels) for name, labels in series] == [before[0] + 1, before[1]]
    assert len(lines("vectorwatch")) == 1


async def test_the_size_of_a_request_is_its_length_or_what_was_read(
    app: FastAPI, ask: Ask, value: Value
) -> None:
    instrument(app, service="test")
    labels = {"method": "POST", "endpoint": "/upload"}
    before = value("http_request_size_bytes_sum", **labels)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"1234"
        yield b"56"

    await ask(app, "/upload", "POST", content=b"123")
    await ask(app, "/upload", "POST", content=chunks())
    assert value("http_request_size_bytes_sum", **labels) == before + 9


def test_a_client_that_leaves_is_499_and_no_error(
    app: FastAPI, serve: Callable[[FastAPI], str], value: Value, poll: Callable[..., None]
) -> None:
    instrument(app, service="test", configure_logs=False)
    url = serve(app)
    labels = {"method": "GET", "endpoint": "/endless", "status": "499"}
    before = value("http_requests_total", **labels)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.recv(100)
        assert value("active_connections") == 1
    poll(lambda: value("http_requests_total", **labels) == before + 1, "the request is counted as 499")
    poll(lambda: value("active_connections") == 0, "nothing is active")


async def test_a_cancelled_request_is_499(app: FastAPI, value: Value) -> None:
    started = asyncio.Event()

    @app.get("/slow")
    async def slow() -> None:
        started.set()
        await asyncio.Event().wait()

    instrument(app, service="test")
    labels = {"method": "GET", "endpoint": "/slow", "status": "499"}
    before = value("http_requests_total", **labels)
    scope = {"type": "http", "method": "GET", "path": "/slow", "headers": [], "query_string": b""}

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        raise AssertionError

    task = asyncio.create_task(app(scope, receive, send))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert value("http_requests_total", **labels) == before + 1


@pytest.mark.parametrize(
    ("path", "endpoint", "status"),
    [("/chat/one", "/chat/{room}", "101"), ("/refused", "/refused", "403"), ("/nowhere", "unmatched", "403")],
)
def test_a_websocket_counts_with_the_status_of_its_handshake(
    app: FastAPI,
    serve: Callable[[FastAPI], str],
    value: Value,
    poll: Callable[..., None],
    path: str,
    endpoint: str,
    status: str,
) -> None:
    instrument(app, service="test", configure_logs=False)
    url = serve(app).replace("http", "ws")
    labels = {"method": "GET", "endpoint": endpoint}
    before = value("http_requests_total", **labels, status=status)
    timed = value("http_request_duration_seconds_count", **labels)
    if status == "101":
        with connect(url + path, proxy=None) as client:
            client.send("hello")
            assert client.recv() == "hello"
            assert value("active_connections") == 1
    else:
        with pytest.raises(InvalidStatus), connect(url + path, proxy=None):
            pass
    poll(lambda: value("http_requests_total", **labels, status=status) == before + 1, "it is counted")
    assert value("http_request_duration_seconds_count", **labels) == timed
    poll(lambda: value("active_connections") == 0, "nothing is active")


def test_a_websocket_that_breaks_is_500(
    app: FastAPI, serve: Callable[[FastAPI], str], value: Value, poll: Callable[..., None]
) -> None:
    instrument(app, service="test", configure_logs=False)
    labels = {"method": "GET", "endpoint": "/chat/{room}", "status": "500"}
    before = value("http_requests_total", **labels)
    url = serve(app).replace("http", "ws")
    with connect(f"{url}/chat/broken", proxy=None) as client, pytest.raises(ConnectionClosed):
        client.recv()
    poll(lambda: value("http_requests_total", **labels) == before + 1, "it is counted")


async def test_one_access_line_says_what_happened(app: FastAPI, ask: Ask, lines: Lines) -> None:
    instrument(app, service="rag-api", version="1.2.3")
    await ask(app, "/items/17?api_key=secret", headers={"X-Request-ID": "abc-1", "X-Correlation-ID": "job-7"})
    [line] = lines("vectorwatch")
    assert line["message"] == "GET /items/{item} 200"
    assert line["log.level"] == "info"
    assert line["service"] == {"name": "rag-api", "version": "1.2.3"}
    assert line["http"] == {
        "request": {"id": "abc-1", "method": "GET"},
        "response": {"status_code": 200},
        "route": "/items/{item}",
    }
    assert line["url"] == {"path": "/items/17"}
    assert line["correlation_id"] == "job-7"
    assert line["event"]["outcome"] == "success"
    assert line["event"]["duration"] == pytest.approx(line["duration_ms"] * 1e6, abs=1)
    assert "secret" not in str(line)


async def test_an_error_is_one_line_with_its_traceback(app: FastAPI, ask: Ask, lines: Lines) -> None:
    instrument(app, service="test")
    await ask(app, "/broken")
    [line] = lines("vectorwatch")
    assert line["log.level"] == "error"
    assert line["error"]["type"] == "RuntimeError"
    assert line["error"]["message"] == "it broke"
    assert "async def broken" in line["error"]["stack_trace"] or "in broken" in line["error"]["stack_trace"]


SERVICE = """
import sys
import uvicorn
from fastapi import FastAPI
from vectorwatch.instrument import instrument
app = FastAPI()
instrument(app, service="test")

@app.get("/broken")
async def broken() -> None:
    raise RuntimeError("it broke")

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]))
"""


@pytest.mark.parametrize("way", ["command", "script"])
def test_a_real_server_writes_json_only_and_no_second_line_for_an_error(
    tmp_path: Path,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
    poll: Callable[..., None],
    way: str,
) -> None:
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = {
        "command": ["-m", "uvicorn", "service:app", "--app-dir", str(tmp_path), "--port", str(port)],
        "script": [str(tmp_path / "service.py"), str(port)],
    }
    program = start_program([sys.executable, *argv[way]], ready_url=f"{url}/health")
    for path in ("/broken", "/nowhere"):
        httpx.get(url + path, trust_env=False)
    # The second request's line comes after all that the server says of the first.
    poll(lambda: "GET unmatched 404" in program.text(), "the last access line is written")
    written = [json.loads(line) for line in program.text().splitlines() if line.startswith("{")]
    assert [line["message"] for line in written if line["log.level"] == "error"] == ["GET /broken 500"]
    assert "uvicorn.access" not in {line["log"]["logger"] for line in written}
    plain = [line for line in program.text().splitlines() if not line.startswith("{")]
    # What uvicorn says before it imports the application.
    assert all(line.startswith("INFO:") for line in plain)
    assert len(plain) <= 2


async def test_what_fails_after_the_answer_is_an_error_in_the_log_only(
    app: FastAPI, ask: Ask, lines: Lines
) -> None:
    instrument(app, service="test")
    await ask(app, "/afterwards")
    [line] = lines("vectorwatch")
    assert (line["log.level"], line["http"]["response"]["status_code"]) == ("error", 200)
    assert line["error"]["message"] == "it broke afterwards"


async def test_the_ids_come_back_and_are_made_when_the_client_sends_none_that_is_sane(
    app: FastAPI, ask: Ask
) -> None:
    instrument(app, service="test")
    answer = await ask(app, "/items/1", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == answer.headers["x-correlation-id"] == "abc-1"
    for sent in ({}, {"X-Request-ID": 'evil"\t{}'}, {"X-Request-ID": "x" * 200}):
        made = (await ask(app, "/items/1", headers=sent)).headers["x-request-id"]
        assert len(made) == 32
        assert made.isalnum()


async def test_an_id_that_the_application_sends_is_not_doubled(app: FastAPI, ask: Ask) -> None:
    @app.get("/own")
    async def own() -> Response:
        return Response(headers={"X-Request-ID": "mine"})

    instrument(app, service="test")
    assert (await ask(app, "/own")).headers.get_list("x-request-id") == ["mine"]


async def test_a_secret_in_the_path_is_not_logged(app: FastAPI, ask: Ask, lines: Lines) -> None:
    instrument(app, service="test")
    await ask(app, "/reset/s3cr3t")
    await ask(app, "/reset/s3cr3t/")
    line, redirect = lines("vectorwatch")
    assert line["url"]["path"] == "/reset/{token}"
    assert redirect["http"]["response"]["status_code"] == 307
    assert "s3cr3t" not in str((line, redirect))


async def test_a_share_of_the_lines_of_good_requests_is_written_and_all_of_bad_ones(
    app: FastAPI, ask: Ask, lines: Lines
) -> None:
    instrument(app, service="test", access_log_share=1e-12)
    await ask(app, "/items/1")
    await ask(app, "/nowhere")
    await ask(app, "/broken")
    assert [line["http"]["response"]["status_code"] for line in lines("vectorwatch")] == [404, 500]


async def test_a_defect_of_ours_is_said_once_and_breaks_no_request(
    app: FastAPI, ask: Ask, value: Value, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise OSError("no space left on device")

    instrument(app, service="test")
    monkeypatch.setattr(http_metrics.REQUESTS, "inc", break_down)
    before = value("vectorwatch_instrument_failures_total")
    for _ in range(2):
        assert (await ask(app, "/items/1")).status_code == 200
    assert value("vectorwatch_instrument_failures_total") == before + 2
    [line] = lines("vectorwatch")
    assert "said once" in line["message"]
    assert value("active_connections") == 0


@pytest.mark.parametrize(
    ("status", "is_error", "level"),
    [
        (200, False, logging.INFO),
        (307, False, logging.INFO),
        (404, False, logging.WARNING),
        (499, False, logging.INFO),
        (500, False, logging.ERROR),
        (200, True, logging.ERROR),
    ],
)
def test_the_level_follows_the_status(status: int, is_error: bool, level: int) -> None:
    assert choose_level(status, is_error) == level


def test_parameters_named_like_secrets_are_known() -> None:
    assert has_secret("/reset/{reset_token}")
    assert not has_secret("/tokens/{item}")

"""The spans of requests: their names, their place in a trace, and what happens when nobody takes them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation import _semconv
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from vectorwatch import tracing
from vectorwatch.instrument import instrument, track
from vectorwatch.instrument.traces import is_fastapi, is_wanted

NOWHERE = "http://127.0.0.1:9"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Ask = Callable[..., Awaitable[httpx.Response]]
ReadSpans = Callable[[], list[Any]]


async def page(request: Request) -> Response:
    with track.hyde_generation():
        await asyncio.sleep(0)
    return PlainTextResponse("ok")


async def broken(request: Request) -> Response:
    raise RuntimeError("it broke")


def starlette_app() -> Starlette:
    return Starlette(
        routes=[
            Route("/items/{item}", page),
            Route("/broken", broken),
            Mount("/inner", routes=[Route("/{name}", page)]),
        ]
    )


def fastapi_app() -> FastAPI:
    app = FastAPI()
    app.add_api_route("/items/{item}", page, response_model=None)
    app.add_api_route("/broken", broken, response_model=None)
    inner = FastAPI()
    inner.add_api_route("/{name}", page, response_model=None)
    app.mount("/inner", inner)
    return app


@pytest.fixture(params=[fastapi_app, starlette_app], ids=["fastapi", "starlette"])
def app(request: pytest.FixtureRequest, spans: object) -> Starlette:
    made: Starlette = request.param()
    instrument(made, service="test", traces_endpoint=NOWHERE)
    return made


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/items/1?api_key=secret", "GET /items/{item}"),
        ("/inner/x", "GET /inner/{name}"),
        ("/nowhere", "GET"),
    ],
)
async def test_a_request_is_one_span_named_by_its_route(
    app: Starlette, ask: Ask, read_spans: ReadSpans, path: str, name: str
) -> None:
    await ask(app, path)
    [span] = [one for one in read_spans() if one.kind is SpanKind.SERVER]
    assert span.name == name
    if name != "GET":
        assert span.attributes["http.route"] == name.removeprefix("GET ")
    assert span.attributes["http.request.method"] == "GET"
    assert span.attributes["url.path"] == path.partition("?")[0]
    assert "secret" not in str(dict(span.attributes))


async def test_a_secret_in_the_path_is_not_on_the_span(ask: Ask, read_spans: ReadSpans) -> None:
    app = Starlette(routes=[Route("/reset/{token}", page)])
    instrument(app, service="test", traces_endpoint=NOWHERE)
    for path in ("/reset/s3cr3t", "/reset/s3cr3t/"):
        await ask(app, path)
    spans = read_spans()
    assert [span.name for span in spans] == ["hyde.generate", "GET /reset/{token}", "GET"]
    assert "s3cr3t" not in str([dict(span.attributes) for span in spans])


async def test_a_query_is_hidden_under_the_old_names_too(
    ask: Ask, read_spans: ReadSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_semconv._OpenTelemetrySemanticConventionStability, "_initialized", False)
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup")
    app = starlette_app()
    instrument(app, service="test", traces_endpoint=NOWHERE)
    await ask(app, "/items/1?api_key=secret")
    attributes = dict(read_spans()[-1].attributes)
    assert attributes["http.url"] == "http://test/items/1"
    assert "secret" not in str(attributes)
    monkeypatch.setattr(_semconv._OpenTelemetrySemanticConventionStability, "_initialized", False)


async def test_what_happens_inside_is_a_child_and_its_caller_the_parent(
    app: Starlette, ask: Ask, read_spans: ReadSpans
) -> None:
    await ask(app, "/items/1", headers={"traceparent": PARENT})
    child, request = read_spans()
    assert (child.name, request.name) == ("hyde.generate", "GET /items/{item}")
    assert format(request.context.trace_id, "032x") == PARENT.split("-")[1]
    assert format(request.parent.span_id, "016x") == PARENT.split("-")[2]
    assert child.parent.span_id == request.context.span_id


async def test_the_trace_goes_on_in_the_service_that_is_asked(
    app: Starlette, ask: Ask, read_spans: ReadSpans
) -> None:
    received: list[str] = []

    async def other(request: Request) -> Response:
        received.append(request.headers["traceparent"])
        return PlainTextResponse("ok")

    transport = httpx.ASGITransport(Starlette(routes=[Route("/", other)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://other") as client:
        HTTPXClientInstrumentor.instrument_client(client, tracer_provider=tracing.start("test"))

        async def calls_out(request: Request) -> Response:
            return PlainTextResponse((await client.get("/")).text)

        app.router.routes.append(Route("/calls-out", calls_out))
        await ask(app, "/calls-out", headers={"traceparent": PARENT})
    assert received[0].split("-")[1] == PARENT.split("-")[1]
    assert received[0].split("-")[2] != PARENT.split("-")[2]


async def test_an_error_is_on_the_span_once(app: Starlette, ask: Ask, read_spans: ReadSpans) -> None:
    await ask(app, "/broken")
    [span] = read_spans()
    assert span.status.status_code.name == "ERROR"
    assert span.attributes["http.response.status_code"] == 500
    assert [event.attributes["exception.message"] for event in span.events] == ["it broke"]


@pytest.mark.parametrize("path", ["/metrics", "/health", "/health/detailed"])
async def test_metrics_and_health_have_no_spans(
    app: Starlette, ask: Ask, read_spans: ReadSpans, path: str
) -> None:
    await ask(app, path)
    await ask(app, "/behind" + path, root_path="/behind")
    assert read_spans() == []


@pytest.mark.parametrize("build", [fastapi_app, starlette_app])
async def test_the_access_line_names_the_trace(
    build: Callable[[], Starlette],
    ask: Ask,
    read_spans: ReadSpans,
    lines: Callable[..., list[dict[str, Any]]],
) -> None:
    app = build()
    instrument(app, service="test", traces_endpoint=NOWHERE)
    await ask(app, "/items/1")
    [line] = lines("vectorwatch")
    request = read_spans()[-1]
    assert line["trace"]["id"] == format(request.context.trace_id, "032x")
    assert line["span"]["id"] == format(request.context.span_id, "016x")


def test_tracing_is_on_when_spans_have_anywhere_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_wanted(NOWHERE)
    assert not is_wanted("")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOWHERE)
    assert is_wanted("")


async def test_without_an_endpoint_nothing_is_traced(ask: Ask) -> None:
    app = fastapi_app()
    instrument(app, service="test", configure_logs=False)
    await ask(app, "/items/1")
    assert tracing.tracer() is None


def test_an_application_of_fastapi_is_known_by_its_class() -> None:
    assert is_fastapi(FastAPI())
    assert not is_fastapi(Starlette())


SERVICE = """
import sys, uvicorn
from fastapi import FastAPI
from vectorwatch.instrument import instrument
app = FastAPI()
instrument(app, service="test", traces_endpoint=sys.argv[2])

@app.get("/items/{item}")
async def read(item: int) -> int:
    return item

uvicorn.run(app, port=int(sys.argv[1]), log_config=None)
"""


@pytest.fixture
def start_service(
    tmp_path: Path, free_port: Callable[[], int], start_program: Callable[..., Any]
) -> Callable[[str], tuple[str, Any]]:
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")

    def start(endpoint: str) -> tuple[str, Any]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, str(tmp_path / "service.py"), str(port), endpoint]
        # Batches go out often, so that what a collector does meets the requests of the test; one that is
        # waited for costs a minute.
        env = {"OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
        return url, start_program(argv, ready_url=f"{url}/health", env=env)

    return start


@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_a_collector_that_is_down_neither_breaks_requests_nor_holds_up_the_end(
    kind: str,
    free_port: Callable[[], int],
    raw_server: Callable[..., int],
    start_service: Callable[[str], tuple[str, Any]],
) -> None:
    port = free_port() if kind == "closed" else raw_server(b"", hold=True)
    url, program = start_service(f"http://127.0.0.1:{port}")
    slowest = 0.0
    with httpx.Client(trust_env=False, timeout=60) as client:
        for number in range(300):
            started = time.monotonic()
            assert client.get(f"{url}/items/{number}").json() == number
            slowest = max(slowest, time.monotonic() - started)
    # A minute where it is waited for; half of that tells it from a busy machine.
    assert slowest < 30
    program.process.send_signal(signal.SIGTERM)
    # The last spans have 3 s.
    program.process.wait(30)


def test_what_waits_is_sent_at_the_end(
    start_service: Callable[[str], tuple[str, Any]], collector: Callable[[], list[Any]], collector_url: str
) -> None:
    url, program = start_service(collector_url)
    httpx.get(f"{url}/items/1", trust_env=False)
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(30)
    names = [span.name for span in collector()]
    assert names == ["GET /items/{item}"]
    # uvicorn raises the signal again once it has ended; no line is an error.
    levels = {json.loads(line)["log.level"] for line in program.text().splitlines() if line.startswith("{")}
    assert levels <= {"info"}


def test_the_end_of_a_program_without_lifespan_sends_what_waits(
    collector: Callable[[], list[Any]], collector_url: str
) -> None:
    program = (
        "from vectorwatch import tracing\n"
        f"tracing.start('batch', '1.0', endpoint={collector_url!r})\n"
        "with tracing.tracer().start_as_current_span('work'): pass\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ}, timeout=60)
    assert ended.returncode == 0
    assert [span.name for span in collector()] == ["work"]

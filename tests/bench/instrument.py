"""What instrumentation costs a request: ours and prometheus-fastapi-instrumentator's.

The applications are called in this process, so that no network is in the figures, in turns, so that what else
the machine does meets all of them. Figures are processor time, medians of the rounds; access lines go
to a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator

from tests.bench.measure import Row
from vectorwatch import tracing
from vectorwatch.instrument import instrument

ROUNDS = 25
REQUESTS = 400
MICROSECONDS = 1e6
MOST_PER_REQUEST = 50.0
MOST_RATIO = 1.0
LINES = tempfile.TemporaryFile("w+")  # noqa: SIM115 - the handlers of the log keep it
NOWHERE = "http://127.0.0.1:9"
HEADERS = [
    (b"host", b"api.example.net"),
    (b"user-agent", b"bench"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
    (b"x-request-id", b"0123456789abcdef"),
]


class Nowhere(SpanExporter):
    """Drops spans: what is measured is what a request pays, not what sends them."""

    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def bare_app() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item}")
    async def read(item: int) -> dict[str, int]:
        return {"item": item}

    return app


def our_app(*, access_log: bool = True, traces_endpoint: str = "") -> FastAPI:
    app = bare_app()
    share = 1.0 if access_log else 1e-9
    with contextlib.redirect_stdout(LINES):
        instrument(app, service="bench", traces_endpoint=traces_endpoint, access_log_share=share)
    return app


def peer_app() -> FastAPI:
    app = bare_app()
    Instrumentator(registry=CollectorRegistry()).instrument(app).expose(app)
    return app


def traced(app: FastAPI) -> FastAPI:
    FastAPIInstrumentor.instrument_app(app, excluded_urls="metrics", exclude_spans=["receive", "send"])
    return app


async def call(app: FastAPI) -> None:
    """Send one request through the application."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/items/17",
        "raw_path": b"/items/17",
        "query_string": b"",
        "root_path": "",
        "headers": HEADERS,
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 200))

    await app(scope, receive, send)
    if statuses != [200, 200]:
        raise SystemExit(f"bench: the application answered {statuses}")


def check_lines() -> None:
    """End unless each request has written its line: a logger that is broken looks fast."""
    LINES.seek(0)
    written = sum("GET /items/{item} 200" in line for line in LINES)
    if written < (ROUNDS + 1) * REQUESTS:
        raise SystemExit(f"bench: only {written} access lines were written")


async def time_requests(apps: dict[str, FastAPI]) -> dict[str, float]:
    """Return the microseconds of one request by application, median of the rounds."""
    rounds: dict[str, list[float]] = {name: [] for name in apps}
    for number in range(ROUNDS + 1):
        for name, app in apps.items():
            started = time.process_time()
            for _ in range(REQUESTS):
                await call(app)
            if number:  # the first warms up
                rounds[name].append((time.process_time() - started) / REQUESTS * MICROSECONDS)
    return {name: median(values) for name, values in rounds.items()}


def rows() -> Iterator[Row]:
    times = asyncio.run(
        time_requests(
            {"bare": bare_app(), "ours": our_app(), "quiet": our_app(access_log=False), "peer": peer_app()}
        )
    )
    check_lines()
    bare = times["bare"]
    yield Row("a request to the bare FastAPI application", bare, "µs")
    yield Row("added by ours, access line included", times["ours"] - bare, "µs", MOST_PER_REQUEST)
    yield Row("added by ours, without access lines", times["quiet"] - bare, "µs", MOST_PER_REQUEST)
    yield Row("added by prometheus-fastapi-instrumentator (no lines)", times["peer"] - bare, "µs")
    yield Row(
        "ours without access lines / prometheus-fastapi-instrumentator",
        (times["quiet"] - bare) / (times["peer"] - bare),
        "",
        MOST_RATIO,
    )
    yield from rows_with_tracing()


def rows_with_tracing() -> Iterator[Row]:
    tracing.start("bench", exporter=Nowhere())
    times = asyncio.run(
        time_requests(
            {
                "bare": traced(bare_app()),
                "ours": our_app(traces_endpoint=NOWHERE),
                "quiet": our_app(traces_endpoint=NOWHERE, access_log=False),
                "peer": traced(peer_app()),
            }
        )
    )
    bare = times["bare"]
    yield Row("a request with OpenTelemetry's FastAPI instrumentation alone", bare, "µs")
    yield Row("with it, added by ours, access line included", times["ours"] - bare, "µs")
    yield Row("with it, added by ours, without access lines", times["quiet"] - bare, "µs")
    yield Row("with it, added by prometheus-fastapi-instrumentator", times["peer"] - bare, "µs")
    yield Row(
        "with it, ours without access lines / prometheus-fastapi-instrumentator",
        (times["quiet"] - bare) / (times["peer"] - bare),
        "",
        MOST_RATIO,
    )
    tracing.stop()

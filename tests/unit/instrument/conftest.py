"""Applications called in this process or served for real, and what they change given back afterwards."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once
from prometheus_client import REGISTRY

from vectorwatch import tracing
from vectorwatch.instrument import logs


@pytest.fixture(autouse=True)
def keep_logging() -> Iterator[None]:
    """Give the root logger and those that are quietened back as they were."""
    names = {None, "uvicorn.error", *logs.QUIET, *logs.SERVERS}
    loggers = [logging.getLogger(name) for name in names]
    before = [(one, one.handlers[:], one.level, one.propagate, one.filters[:]) for one in loggers]
    yield
    for one, handlers, level, propagate, filters in before:
        one.handlers, one.propagate, one.filters = handlers, propagate, filters
        one.setLevel(level)


@pytest.fixture(autouse=True)
def no_tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "PROMETHEUS_MULTIPROC_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    yield
    tracing.stop()
    # OpenTelemetry keeps its first provider for good; FastAPI's own spans would go on asking the stopped one.
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Turn tracing on; spans that have ended are in `.get_finished_spans()` after `flush_spans`."""
    exporter = InMemorySpanExporter()
    tracing.start("test", exporter=exporter)
    return exporter


@pytest.fixture
def read_spans(spans: InMemorySpanExporter) -> Callable[[], list[Any]]:
    def read() -> list[Any]:
        provider = tracing.start("test")
        provider.force_flush()
        return list(spans.get_finished_spans())

    return read


@pytest.fixture
def value() -> Callable[..., float]:
    """Read one series of this process, 0 while it is absent: `value("http_requests_total", method="GET")`."""

    def read(name: str, /, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    return read


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Read the log lines written so far; for applications instrumented in the test itself.

    `lines("vectorwatch")` leaves out what others say, such as a server of another test that still ends.
    """

    def read(logger: str = "") -> list[dict[str, Any]]:
        sys.stdout.flush()
        written = (json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
        return [line for line in written if line["log"]["logger"].startswith(logger)]

    return read


@pytest.fixture
def ask() -> Callable[..., Any]:
    """Send one request to an application in this process: `await ask(app, "/path", method="POST", …)`."""

    async def send(
        app: Any, path: str, method: str = "GET", root_path: str = "", **options: Any
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return send


@pytest.fixture
def received() -> list[Any]:
    return []


@pytest.fixture
def collector_url(received: list[Any]) -> Iterator[str]:
    """A stand-in for a collector: takes OTLP over HTTP and keeps the spans that it decodes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def collector(received: list[Any]) -> Callable[[], list[Any]]:
    """Return the spans that the collector has got."""

    def read() -> list[Any]:
        return [
            span
            for request in received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    return read

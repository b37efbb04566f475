"""Spans of our own programs, taken by an OTLP receiver that decodes what really arrives.

The receiver is a stand-in for Jaeger; tests/config/test_jaeger.py sends to the real one.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from vectorwatch.demo.ports import find_free_ports
from vectorwatch.errors import Reason, TargetError
from vectorwatch.inbox.notification import RefusalReason, RefusedError
from vectorwatch.serve.scrape import Exporter
from vectorwatch.serve.span import describe_server, mark_failed, open_span, traced

CLIENT = Span.SpanKind.SPAN_KIND_CLIENT
INTERNAL = Span.SpanKind.SPAN_KIND_INTERNAL


@dataclass
class Receiver:
    """Takes OTLP over HTTP; `spans` holds what came, `services` from whom."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    def find(self, name: str) -> list[Span]:
        return [span for span in list(self.spans) if span.name == name]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                found.services |= {
                    one.value.string_value for one in group.resource.attributes if one.key == "service.name"
                }
                found.spans += [span for scope in group.scope_spans for span in scope.spans]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def attributes(span: Span) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}


def test_nothing_is_sent_or_imported_until_it_is_turned_on() -> None:
    script = (
        "import sys, vectorwatch.serve.server, vectorwatch.hnsw.service, vectorwatch.inbox.service\n"
        "from vectorwatch.serve.span import open_span, traced\n"
        "with traced('x', '', ''), open_span('work', {}) as span: assert span is None\n"
        "print(*(name for name in sys.modules if name.startswith('opentelemetry.sdk')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_a_block_is_a_span_with_its_attributes_and_its_failure(receiver: Receiver) -> None:
    with traced("probe", "1", receiver.url):
        with open_span("round", {}) as outer:
            assert outer is not None
            with pytest.raises(TargetError), open_span("search docs", {"k": 10}, is_client=True):
                raise TargetError(Reason.TIMEOUT, "no answer")
        with open_span("check", {}) as span:
            mark_failed(span, "auth", "the key was refused")
        with open_span("silent", {}) as span:
            mark_failed(span, "empty")
    [search], [whole], [check] = (receiver.find(name) for name in ("search docs", "round", "check"))
    [silent] = receiver.find("silent")
    assert (silent.status.code, silent.status.message, attributes(silent)) == (2, "", {"error.type": "empty"})
    assert receiver.services == {"probe"}
    assert attributes(search) == {"k": 10, "error.type": "timeout"}
    assert (search.kind, whole.kind) == (CLIENT, INTERNAL)
    assert search.parent_span_id == whole.span_id
    assert (search.status.code, check.status.code, whole.status.code) == (2, 2, 0)
    assert check.status.message == "the key was refused"


def test_a_message_that_the_inbox_refuses_keeps_its_reason(receiver: Receiver) -> None:
    with (
        traced("inbox", "1", receiver.url),
        pytest.raises(RefusedError),
        open_span("receive slack", {}),
    ):
        raise RefusedError(RefusalReason.NOT_JSON, "The body is not JSON.")
    [span] = receiver.find("receive slack")
    assert attributes(span) == {"error.type": "not_json"}
    assert (span.status.code, "The body is not JSON." in span.status.message) == (2, True)


@pytest.mark.parametrize(
    ("address", "described"),
    [
        ("https://qdrant.example.net:6333/db", {"server.address": "qdrant.example.net", "server.port": 6333}),
        ("qdrant:6333", {"server.address": "qdrant", "server.port": 6333}),
        ("[::1]:6333", {"server.address": "::1", "server.port": 6333}),
        ("main", {"server.address": "main"}),
        ("a:99999", {"server.address": "a"}),
    ],
)
def test_a_server_is_described_as_the_conventions_say(address: str, described: dict[str, Any]) -> None:
    assert describe_server(address) == described


@dataclass(frozen=True)
class Place:
    label: str = "qdrant:6333"


class OnePlace:
    default = Place()

    def find(self, wanted: str) -> Place | None:
        raise NotImplementedError

    def labels(self) -> list[str]:
        raise NotImplementedError


async def test_a_scrape_is_a_span_that_names_its_target_and_why_it_failed(receiver: Receiver) -> None:
    async def collect(_place: Place, _sink: Any) -> None:
        raise TargetError(Reason.AUTH, "the key was refused")

    exporter = Exporter("qdrant", OnePlace(), collect, 100, 5)
    with traced("qdrant-exporter", "1", receiver.url):
        await exporter.scrape(Place(), 5)
    [span] = receiver.find("scrape qdrant")
    assert attributes(span) == {"server.address": "qdrant", "server.port": 6333, "error.type": "auth"}
    assert span.status.message == "the key was refused"


def test_an_exporter_sends_its_scrapes_once_it_is_told_where(
    receiver: Receiver,
    vectorwatch_command: list[str],
    start_program: Callable[..., Any],
    poll: Callable[..., None],
    end_gently: Callable[[Any], None],
) -> None:
    port, nobody = find_free_ports(2)
    program = start_program(
        [*vectorwatch_command, "exporter", "qdrant"],
        ready_url=f"http://127.0.0.1:{port}/readyz",
        env={
            "VECTORWATCH_QDRANT_PORT": str(port),
            "VECTORWATCH_QDRANT_URL": f"http://127.0.0.1:{nobody}",
            "VECTORWATCH_QDRANT_TRACES_ENDPOINT": receiver.url,
        },
    )
    httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
    # What waits is sent at the end.
    end_gently(program.process)
    poll(lambda: receiver.find("scrape qdrant") != [], "the span arrives")
    assert receiver.services == {"qdrant-exporter"}


def test_a_collector_that_is_down_slows_no_scrape_and_is_told_once(
    raw_server: Callable[..., int],
    free_port: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
    poll: Callable[..., None],
) -> None:
    async def collect(_place: Place, _sink: Any) -> None:
        await asyncio.sleep(0)

    exporter = Exporter("qdrant", OnePlace(), collect, 100, 60)

    async def scrape() -> None:
        # More than one batch, so that the sender is at work while we go on.
        for _ in range(1_000):
            await exporter.scrape(Place(), 60)

    def told() -> list[str]:
        return [record.message for record in caplog.records if "trace_exporter" in record.name]

    # The refusing one first: the sender of the other may still wait, and tell it, when the block has ended.
    with traced("qdrant-exporter", "1", f"http://127.0.0.1:{free_port()}"), caplog.at_level(logging.WARNING):
        asyncio.run(scrape())
        poll(lambda: told() != [], "the refused connection is told")
        asyncio.run(scrape())
        assert len(told()) == 1
    with traced("qdrant-exporter", "1", f"http://127.0.0.1:{raw_server(hold=True)}"):
        asyncio.run(asyncio.wait_for(scrape(), 60))


def test_a_setting_that_is_no_address_is_one_line(vectorwatch_command: list[str]) -> None:
    done = subprocess.run(
        [*vectorwatch_command, "exporter", "qdrant"],
        env={"PATH": "/usr/bin:/bin", "VECTORWATCH_QDRANT_TRACES_ENDPOINT": "jaeger:4318"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "VECTORWATCH_QDRANT_TRACES_ENDPOINT" in done.stderr

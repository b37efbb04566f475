"""The demo service as users run it: a request becomes metrics, log lines and a trace that name each other."""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from vectorwatch.demo.jaeger import find_jaeger, render_jaeger
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.tools import ensure_tools

Poll = Callable[..., None]

EXPECTED = {
    "POST /v1/query": {"invoke_workflow"},
    "invoke_workflow": {"hyde.generate", "rag.retrieve", "execute_tool", "chat", "GET", "SET"},
    "rag.retrieve": {"query_api.query", "model.infer"},
    "query_api.query": {"qdrant.search"},
    "qdrant.search": {"POST"},
    "chat": {"model.infer"},
}
"""By span: children that it must have in a request of the mode `agent` that the cache does not answer."""

MEASURED = 60
SLOWEST_SECONDS = 1.0
"""An export that held up requests would take its time-out, 10 s; measurements.md has what was measured."""


@dataclass
class App:
    """A demo service that runs."""

    url: str
    log: Path
    client: httpx.Client
    key: str

    def answer(self, question: str, mode: str = "agent") -> dict[str, Any]:
        answer = self.client.post(
            "/v1/query", json={"question": question, "mode": mode}, headers={"X-API-Key": self.key}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def median_seconds(self) -> float:
        """Return the median time of reading one passage, with a span tree in each request."""
        seconds = []
        for number in range(1, MEASURED + 1):
            started = time.perf_counter()
            answer = self.client.get(f"/v1/articles/{number}", headers={"X-API-Key": self.key})
            seconds.append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.text
        return statistics.median(seconds)


StartApp = Callable[[str], App]


@pytest.fixture
def start_app(
    start_program: Callable[..., Any],
    start_valkey: Callable[..., Any],
    vectorwatch_command: Sequence[str],
    tmp_path: Path,
) -> Iterator[StartApp]:
    """Start engine and cache, then services that send spans to an address: `start_app(endpoint)`."""
    [engine] = find_free_ports(1)
    qdrant = f"http://{HOST}:{engine}"
    options = ("--port", str(engine), "--data", str(tmp_path / "qdrant"))
    argv = [sys.executable, "-m", "vectorwatch.demo.engine", *options]
    start_program(argv, ready_url=f"{qdrant}/readyz")
    cache = start_valkey().port
    clients: list[httpx.Client] = []

    def start(endpoint: str) -> App:
        [port] = find_free_ports(1)
        url, data = f"http://{HOST}:{port}", tmp_path / f"app-{port}"
        settings = {
            "PORT": str(port),
            "QDRANT_URL": qdrant,
            "CACHE_URL": f"redis://{HOST}:{cache}",
            "DATA": str(data),
            "TRACES_ENDPOINT": endpoint,
            "LLM_SECONDS": "0.02",
            "REQUESTS_PER_MINUTE": "60000",
        }
        environment = {f"VECTORWATCH_APP_{name}": value for name, value in settings.items()}
        environment["OTEL_BSP_SCHEDULE_DELAY"] = "200"  # milliseconds between two batches of spans
        program = start_program(
            [*vectorwatch_command, "demo-app"], ready_url=f"{url}/readyz", env=environment
        )
        client = httpx.Client(base_url=url, timeout=60, trust_env=False)
        clients.append(client)
        return App(url, program.output, client, json.loads((data / "keys.json").read_text())["keys"][0])

    yield start
    for client in clients:
        client.close()


@dataclass
class Receiver:
    """A stand-in of a collector: takes OTLP over HTTP as the protocol has it, and keeps what it gets."""

    url: str = ""
    spans: list[dict[str, Any]] = field(default_factory=list)

    def take(self, content: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(content)
        for resource in request.resource_spans:
            attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        {
                            "service": attributes.get("service.name"),
                            "name": span.name,
                            "trace": span.trace_id.hex(),
                            "id": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                        }
                    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            ok = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            if ok:
                found.take(content)
            self.send_response(200 if ok else 400)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        found.url = f"http://{HOST}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def start_prometheus(start_program: Callable[..., Any], tmp_path: Path) -> Callable[[str], str]:
    """Start a real Prometheus that scrapes an application each second: `url = start_prometheus(app.url)`."""

    def start(url: str) -> str:
        [port] = find_free_ports(1)
        scrape = {"job_name": "app", "static_configs": [{"targets": [url.removeprefix("http://")]}]}
        configuration = tmp_path / "prometheus.yml"
        configuration.write_text(
            yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]})
        )
        prometheus = ensure_tools(["prometheus"], find_repository() / ".tools")["prometheus"]
        argv = [
            str(prometheus),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address={HOST}:{port}",
            "--enable-feature=exemplar-storage",
        ]
        start_program(argv, ready_url=f"http://{HOST}:{port}/-/ready")
        return f"http://{HOST}:{port}"

    return start


def ask_prometheus(url: str, path: str, **parameters: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/api/v1/{path}", params=parameters, timeout=30, trust_env=False)
    data = answer.json().get("data", [])
    found: list[dict[str, Any]] = data["result"] if isinstance(data, dict) else data
    return found


def exemplar_traces(prometheus: str, histogram: str) -> set[str]:
    """Return the trace ids of the exemplars that Prometheus keeps of a histogram."""
    now = time.time()
    series = ask_prometheus(
        prometheus,
        "query_exemplars",
        query=f"{histogram}_bucket",
        start=str(now - 600),
        end=str(now + 60),
    )
    return {exemplar["labels"].get("trace_id", "") for one in series for exemplar in one["exemplars"]}


def trace_of(app: App, session: str) -> str:
    """Return the trace id of the log line that says that a question of `session` was answered."""
    [line] = [
        line for line in app.lines() if line.get("session_id") == session and "answered" in line["message"]
    ]
    return str(line["trace"]["id"])


def children(spans: Sequence[dict[str, Any]]) -> dict[str, set[str]]:
    """Return by name of a span the names of its children."""
    names = {span["id"]: kind_of(span["name"]) for span in spans}
    found: dict[str, set[str]] = {}
    for span in spans:
        if span["parent"] in names:
            found.setdefault(names[span["parent"]], set()).add(names[span["id"]])
    return found


def kind_of(name: str) -> str:
    """Return the name of a span without the model or tool that OpenTelemetry puts behind it."""
    return name if "/" in name else name.partition(" ")[0]


def lacks(spans: Sequence[dict[str, Any]]) -> dict[str, set[str]]:
    """Return which of the expected children are missing."""
    has = children(spans)
    missing = {parent: wanted - has.get(parent, set()) for parent, wanted in EXPECTED.items()}
    return {parent: names for parent, names in missing.items() if names}


def test_a_request_becomes_a_tree_of_spans_and_lines_with_its_trace(
    start_app: StartApp, receiver: Receiver, poll: Poll
) -> None:
    app = start_app(receiver.url)
    answer = app.answer("How do I fix the cache hit rate?")
    assert answer["simulated"] is True
    assert answer["model"].startswith("simulated-")
    trace = trace_of(app, answer["session"])

    def tree() -> list[dict[str, Any]]:
        return [span for span in receiver.spans if span["trace"] == trace]

    poll(lambda: not lacks(tree()), "every expected span")
    assert {span["service"] for span in tree()} == {"demo-app"}
    [root] = [span for span in tree() if not span["parent"]]
    assert root["name"] == "POST /v1/query"


def test_every_line_is_json_in_ecs_and_those_of_one_request_share_their_trace(
    start_app: StartApp, receiver: Receiver, poll: Poll
) -> None:
    app = start_app(receiver.url)
    answer = app.answer("What are symptoms of eviction?")
    for line in app.lines():
        assert {"@timestamp", "log.level", "message", "ecs.version"} <= line.keys(), line
        assert line["service"]["name"] == "demo-app", line
    trace = trace_of(app, answer["session"])

    def of_request() -> list[dict[str, Any]]:
        return [line for line in app.lines() if line.get("trace", {}).get("id") == trace]

    # It is written when the answer has gone out.
    poll(lambda: "POST /v1/query 200" in {line["message"] for line in of_request()}, "the access line")
    [said] = [line for line in of_request() if "answered" in line["message"]]
    assert said["component"] == "pipeline"
    assert said["cache_hit"] is False
    assert said["duration_ms"] > 0


def test_prometheus_reads_its_metrics_and_an_exemplar_leads_to_the_trace(
    start_app: StartApp, receiver: Receiver, start_prometheus: Callable[[str], str], poll: Poll
) -> None:
    app = start_app(receiver.url)
    traces = {
        trace_of(app, app.answer(f"Which metric shows a {name}?")["session"])
        for name in ("trace", "snapshot")
    }
    prometheus = start_prometheus(app.url)

    def value(expression: str) -> float:
        return sum(float(one["value"][1]) for one in ask_prometheus(prometheus, "query", query=expression))

    poll(lambda: value('up{job="app"}') == 1, "the service is up")
    poll(lambda: value("vital_workflow_requests_success_total") == 2, "its workflows")
    poll(lambda: value("vital_estimated_cost_dollars_total") > 0, "their cost")
    poll(lambda: value("vital_llm_unpriced_tokens_total") == 0, "nothing unpriced")
    poll(lambda: bool(traces & exemplar_traces(prometheus, "vital_workflow_duration_seconds")), "an exemplar")


def test_a_collector_that_is_down_or_hangs_does_not_slow_requests(
    start_app: StartApp, receiver: Receiver, raw_server: Callable[..., int], free_port: Callable[[], int]
) -> None:
    endpoints = {
        "none": "",
        "well": receiver.url,
        "down": f"http://{HOST}:{free_port()}",
        "hanging": f"http://{HOST}:{raw_server(b'', hold=True)}",
    }
    apps = {name: start_app(endpoint) for name, endpoint in endpoints.items()}
    # Turn by turn, so that what else the machine does meets all alike; the first round warms up.
    rounds = [{name: app.median_seconds() for name, app in apps.items()} for _ in range(4)][1:]
    medians = {name: statistics.median(one[name] for one in rounds) for name in apps}
    print({name: f"{seconds * 1000:.2f} ms" for name, seconds in medians.items()})
    for name in ("down", "hanging"):
        assert medians[name] < SLOWEST_SECONDS, medians


@dataclass(frozen=True)
class Jaeger:
    """A Jaeger that runs."""

    otlp: str
    query: str

    def spans(self, trace: str) -> list[dict[str, Any]]:
        """Return the spans of a trace as its API gives them."""
        answer = httpx.get(f"{self.query}/api/traces/{trace}", timeout=30, trust_env=False)
        if answer.status_code != 200:
            return []
        [found] = answer.json()["data"]
        return [
            {
                "id": span["spanID"],
                "name": span["operationName"],
                "parent": next((reference["spanID"] for reference in span["references"]), ""),
                "service": found["processes"][span["processID"]]["serviceName"],
            }
            for span in found["spans"]
        ]


@pytest.fixture
def jaeger(start_program: Callable[..., Any], tmp_path: Path) -> Jaeger:
    repository = find_repository()
    program = find_jaeger(repository / ".tools")
    if program is None:
        # In CI too: a machine that runs the tests need not have Go. The summary names what was skipped.
        pytest.skip("no Jaeger here; `make jaeger` builds it")
    services = (
        *("jaeger", "jaeger-query-grpc", "jaeger-otlp", "jaeger-otlp-grpc", "jaeger-metrics"),
        *("jaeger-spanmetrics", "jaeger-health", "prometheus"),
    )
    ports = dict(zip(services, find_free_ports(len(services)), strict=True))
    files = render_jaeger(repository / "jaeger", tmp_path / "jaeger", ports, tmp_path / "badger")
    argv = [str(program), *(f"--config={path}" for path in files)]
    start_program(argv, ready_url=f"http://{HOST}:{ports['jaeger-health']}/status")
    return Jaeger(f"http://{HOST}:{ports['jaeger-otlp']}", f"http://{HOST}:{ports['jaeger']}")


def test_a_request_is_found_in_jaeger_with_its_tree_its_exemplar_and_its_lines(
    start_app: StartApp, jaeger: Jaeger, start_prometheus: Callable[[str], str], poll: Poll
) -> None:
    app = start_app(jaeger.otlp)
    trace = trace_of(app, app.answer("What did the incident review about replication change?")["session"])
    poll(lambda: not lacks(jaeger.spans(trace)), "the tree in Jaeger")
    assert {span["service"] for span in jaeger.spans(trace)} == {"demo-app"}
    prometheus = start_prometheus(app.url)
    poll(lambda: trace in exemplar_traces(prometheus, "http_request_duration_seconds"), "the exemplar")

"""jaeger/config.yml: what a reader can see of it, and what a real Jaeger makes of it.

The program is the one on PATH or the one that `make jaeger` builds; the official image is newer.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from vectorwatch.demo.jaeger import find_jaeger, render_jaeger
from vectorwatch.demo.jaeger_api import find_spans, make_trace_id, send_span
from vectorwatch.demo.ports import JAEGER_PORTS, find_free_ports

from .compose import Render

DEADLINE_SECONDS = 60.0


@pytest.fixture(scope="module")
def configuration(repository: Path) -> dict[str, Any]:
    text = (repository / "jaeger" / "config.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


@pytest.fixture
def program(repository: Path) -> Path:
    found = find_jaeger(repository / ".tools")
    if found is None:
        # In CI too: a machine that runs the tests need not have Go. The summary names what was skipped.
        pytest.skip("no Jaeger here; `make jaeger` builds it")
    return found


# ── As it is written ─────────────────────────────────────────────────────────────────────────────────────


def test_traces_are_kept_on_disk_for_as_long_as_env_says(
    configuration: dict[str, Any], render: Render
) -> None:
    badger = configuration["extensions"]["jaeger_storage"]["backends"]["main"]["badger"]
    assert badger["ephemeral"] is False
    [(name, default)] = re.findall(r"\$\{env:(\w+):-(\w+)\}", badger["ttl"]["spans"])
    service = render()["services"]["jaeger"]
    assert service["environment"][name] == default
    [volume] = [mount["target"] for mount in service["volumes"] if mount["type"] == "volume"]
    assert all(folder.startswith(f"{volume}/") for folder in badger["directories"].values())
    assert render(JAEGER_RETENTION="24h")["services"]["jaeger"]["environment"][name] == "24h"


def test_memory_is_limited_before_anything_else_is_done(configuration: dict[str, Any]) -> None:
    assert configuration["service"]["pipelines"]["traces"]["processors"][0] == "memory_limiter"


def test_what_is_published_or_scraped_listens_everywhere_and_the_rest_on_loopback(
    repository: Path, configuration: dict[str, Any], render: Render
) -> None:
    text = (repository / "jaeger" / "config.yml").read_text(encoding="utf-8")
    opened = {int(port) for port in re.findall(r"0\.0\.0\.0:(\d+)", text)} | {
        int(port) for port in re.findall(r"host: 0\.0\.0\.0, port: (\d+)", text)
    }
    published = {port["target"] for port in render()["services"]["jaeger"]["ports"]}
    prometheus = (repository / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    scraped = {int(port) for port in re.findall(r"\bjaeger:(\d+)", prometheus)}
    assert opened == published | scraped
    assert {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)} == {16685, 13133}


def test_the_page_shows_the_monitor(repository: Path, configuration: dict[str, Any]) -> None:
    page = configuration["extensions"]["jaeger_query"]["ui"]["config_file"]
    assert page == "/etc/jaeger/ui.json"
    shown = json.loads((repository / "jaeger" / "ui.json").read_text(encoding="utf-8"))
    assert shown["monitor"]["menuEnabled"] is True


def test_nothing_is_used_that_newer_versions_refuse(configuration: dict[str, Any]) -> None:
    # reference: 2.20 and newer end at the start with these.
    keys = set(re.findall(r"^\s*-?\s*(\w+):", yaml.safe_dump(configuration), re.MULTILINE))
    assert not keys & {"use_ilm", "use_aliases", "mcp", "jaeger_mcp", "address"}
    assert not any(key.endswith("_alias") for key in keys)


def test_grafana_and_prometheus_speak_of_the_same_exemplars(repository: Path, render: Render) -> None:
    text = (repository / "grafana/provisioning/datasources/datasources.yml").read_text(encoding="utf-8")
    sources = {source["uid"]: source for source in yaml.safe_load(text)["datasources"]}
    [link] = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert link == {"name": "trace_id", "datasourceUid": "jaeger"}
    assert sources["jaeger"]["url"] == "http://jaeger:16686"
    assert sources["jaeger"]["jsonData"]["tracesToMetrics"]["datasourceUid"] in sources
    # Grafana replaces a lone `$` by a variable of the environment, and `$__file{…}` by what is in the file.
    assert not re.search(r"(?<!\$)\$(?!\$|__file\{)", yaml.safe_dump(sources))
    assert "--enable-feature=exemplar-storage" in render()["services"]["prometheus"]["command"]
    prometheus = yaml.safe_load((repository / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert prometheus["storage"]["exemplars"]["max_exemplars"] > 0


# ── As Jaeger takes it ───────────────────────────────────────────────────────────────────────────────────


def test_jaeger_finds_nothing_wrong_with_it(repository: Path, program: Path) -> None:
    done = subprocess.run(
        [str(program), "validate", "--config", str(repository / "jaeger" / "config.yml")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@dataclass(frozen=True)
class Jaeger:
    """A running Jaeger, reached at `ports`."""

    ports: Mapping[str, int]

    def url(self, service: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return httpx.get(self.url("jaeger", path), params=parameters, timeout=60, trust_env=False)

    def read(self, service: str) -> str:
        """Return the metrics at a port as Prometheus asks for them, with exemplars."""
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        return httpx.get(self.url(service, "/metrics"), headers=accept, timeout=60, trust_env=False).text

    def send(self, name: str, trace: str, *, failed: bool = False) -> None:
        """Send a span of half a second."""
        url = f"http://127.0.0.1:{self.ports['jaeger-otlp']}"
        send_span(url, trace, service="shop", name=name, failed=failed)

    def find(self, trace: str) -> list[str]:
        """Return the names of the spans of a trace, none if it is not there."""
        return find_spans(self.url("jaeger", ""), trace)


@pytest.fixture
def run_jaeger(
    repository: Path,
    program: Path,
    tmp_path: Path,
    poll: Callable[..., None],
) -> Callable[..., Any]:
    """Run it with the shipped configuration and the demo's addresses: `with run_jaeger(data) as jaeger`."""

    @contextmanager
    def run(data: Path, flush: str = "15s", **environment: str) -> Iterator[Jaeger]:
        services = (*JAEGER_PORTS, "prometheus")
        ports = dict(zip(services, find_free_ports(len(services)), strict=True))
        folder = tmp_path / f"jaeger-{ports['jaeger']}"
        files = render_jaeger(repository / "jaeger", folder, ports, data)
        (folder / "flush.yml").write_text(
            f"connectors: {{spanmetrics: {{metrics_flush_interval: {flush}}}}}\n"
        )
        log = tmp_path / f"{folder.name}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [str(program), *(f"--config={path}" for path in (*files, folder / "flush.yml"))],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", **environment},
            )
        jaeger = Jaeger(ports)

        def is_ready() -> bool:
            if process.poll() is not None:
                pytest.fail(f"Jaeger ended with {process.returncode}: {log.read_text()[-2000:]}")
            try:
                return httpx.get(jaeger.url("jaeger-health", "/status"), trust_env=False).is_success
            except httpx.HTTPError:
                return False

        try:
            poll(is_ready, "Jaeger is healthy")
            yield jaeger
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)

    return run


def test_a_span_is_found_counted_and_still_there_after_a_restart(
    run_jaeger: Callable[..., Any], tmp_path: Path, poll: Callable[..., None]
) -> None:
    trace = make_trace_id()
    with run_jaeger(tmp_path / "data") as jaeger:
        jaeger.send("GET /orders/{id}", trace, failed=True)
        poll(lambda: jaeger.find(trace) == ["GET /orders/{id}"], "the trace is found")
        poll(lambda: jaeger.get("/api/services").json()["data"] == ["shop"], "the service is listed")
        own = jaeger.read("jaeger-metrics")
        assert re.search(
            r'^otelcol_receiver_accepted_spans_total\{.*receiver="otlp".*\} 1\b', own, re.MULTILINE
        )

        # Requests, errors and durations, each with the way back to the trace.
        # Kept from the answer that shows them: exemplars are gone after the next flush.
        counted = ""

        def is_counted() -> bool:
            nonlocal counted
            counted = jaeger.read("jaeger-spanmetrics")
            return 'span_name="GET /orders/{id}"' in counted

        poll(is_counted, "it is counted")
        series = (
            r'\{.*service_name="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /orders/\{id\}",'
            r'status_code="STATUS_CODE_ERROR"'
        )
        assert re.search(rf"^traces_span_metrics_calls_total{series}\}}", counted, re.MULTILINE)
        bucket = rf"^traces_span_metrics_duration_milliseconds_bucket{series}"
        assert re.search(rf'{bucket},le="250.0"\}} 0$', counted, re.MULTILINE)
        assert re.search(rf'{bucket},le="[\d.]+"\}} 1 # \{{.*trace_id="{trace}"', counted, re.MULTILINE)
    with run_jaeger(tmp_path / "data") as jaeger:
        poll(lambda: jaeger.find(trace) == ["GET /orders/{id}"], "the trace is still there")


def test_prometheus_keeps_the_exemplars_and_the_monitor_reads_the_figures_back(
    run_jaeger: Callable[..., Any],
    start_prometheus: Callable[..., Any],
    copy: Callable[[Path, Path, Mapping[str, str]], Path],
    repository: Path,
    tmp_path: Path,
    poll: Callable[..., None],
) -> None:
    with run_jaeger(tmp_path / "data", flush="1s") as jaeger:
        scraped = {
            f"jaeger:{JAEGER_PORTS[name]}": f"127.0.0.1:{jaeger.ports[name]}"
            for name in ("jaeger-metrics", "jaeger-spanmetrics")
        }
        folder = copy(
            repository / "prometheus",
            tmp_path / "p",
            {**scraped, "_interval: 15s": "_interval: 1s", "_timeout: 10s": "_timeout: 1s"},
        )
        prometheus = start_prometheus(folder, port=jaeger.ports["prometheus"])
        trace = make_trace_id()

        def found() -> Any:
            jaeger.send("GET /", trace)
            now = time.time()
            return prometheus.get(
                "query_exemplars",
                query="traces_span_metrics_duration_milliseconds_bucket",
                start=str(now - 300),
                end=str(now),
            )

        poll(lambda: found() != [], "exemplars in Prometheus")
        [series] = [one for one in found() if one["seriesLabels"]["span_name"] == "GET /"]
        assert series["seriesLabels"]["job"] == "jaeger-spanmetrics"
        assert not {name for name in series["seriesLabels"] if name.startswith(("exported_", "otel_"))}
        assert {one["labels"]["trace_id"] for one in series["exemplars"]} == {trace}

        def median() -> float:
            jaeger.send("GET /", trace)
            answer = jaeger.get(
                "/api/metrics/latencies",
                service="shop",
                quantile="0.5",
                endTs=str(int(time.time() * 1000)),
                lookback="60000",
                step="5000",
                ratePer="60000",
                spanKind="server",
            )
            points = [point for metric in answer.json()["metrics"] for point in metric["metricPoints"]]
            values = [float(point["gaugeValue"]["doubleValue"]) for point in points]
            return next((value for value in reversed(values) if value > 0), 0.0)

        # Half a second lies in the bucket from 250 to 500 ms or just above it.
        poll(lambda: 250 <= median() <= 1_000, "the Monitor tab has the median")


def test_a_span_is_forgotten_after_the_retention(
    run_jaeger: Callable[..., Any], tmp_path: Path, poll: Callable[..., None]
) -> None:
    trace = make_trace_id()
    with run_jaeger(tmp_path / "data", JAEGER_RETENTION="8s") as jaeger:

        def is_found() -> bool:
            # Each time: on a busy machine the first may be forgotten before it is looked for.
            jaeger.send("GET /", trace)
            found: list[str] = jaeger.find(trace)
            return found != []

        poll(is_found, "the trace is found")
        poll(lambda: jaeger.find(trace) == [], "the trace is forgotten")

"""The demo's Prometheus with all jobs of the repository: what the demo lacks runs beside it or is played."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import trustme
import yaml

from tests.dashboards.playback import play
from vectorwatch.demo import CACHE
from vectorwatch.demo.app import SERVICE
from vectorwatch.demo.app.fault_client import FaultClient
from vectorwatch.demo.configuration import leave_out_passwords
from vectorwatch.demo.interruption import Interruption
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.readiness import answers_http
from vectorwatch.demo.rendering import replace_addresses
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.services import Site, describe_watchers
from vectorwatch.demo.stack import Stack, gather_needs, run_stack
from vectorwatch.demo.supervisor import Service
from vectorwatch.demo.tools import ensure_tools
from vectorwatch.demo.valkey import describe_valkey

_RECORDED = Path("tests/dashboards/recorded")
PLAYED_PREFIX = "played-"
"""Of the `instance` of what is played: so that one sees what only a recording answers."""

PLAYED_FOR_ADDRESS: Mapping[str, Path] = {
    "cadvisor:8080": _RECORDED / "cadvisor.prom",
    "grafana:3000": _RECORDED / "grafana.prom",
    "jaeger:8888": _RECORDED / "jaeger.prom",
    "jaeger:8889": _RECORDED / "jaeger-spanmetrics.prom",
}
"""By address in prometheus.yml: what answers there, unless the demo runs it (Jaeger, where it is built)."""

PLAYED_BESIDE: Sequence[tuple[str, str]] = (
    ("gpu-exporter", "tests/unit/gpu/golden/h100-mig.prom"),
    ("gpu-exporter", "tests/unit/gpu/golden/h200.prom"),
    ("gpu-exporter", "tests/unit/gpu/golden/l40s.prom"),
    ("gpu-exporter", "tests/dashboards/recorded/gpu-rare.prom"),
    ("dragonfly-exporter", "tests/unit/dragonfly/golden/dragonfly-1.40-replica.prom"),
    ("dragonfly-exporter", "tests/unit/dragonfly/golden/dragonfly-1.39.0.prom"),
    ("qdrant", "tests/dashboards/recorded/qdrant-native.prom"),
    ("qdrant-exporter", "tests/unit/qdrant/golden/qdrant-1.14-cluster.prom"),
    ("qdrant-exporter", "tests/unit/qdrant/golden/qdrant-1.19-features.prom"),
    ("logs-exporter", "tests/unit/logs/golden/9.5.prom"),
    ("logs-exporter", "tests/dashboards/recorded/logs-exporter-rest.prom"),
    ("elasticsearch-exporter", "tests/dashboards/recorded/elasticsearch-exporter.prom"),
)
"""Job and exposition of servers that differ from those of the demo."""

_EVERY_NAME = Path("tests/unit/instrument/domains/every_name.py")
"""Prints what an application tells that uses the whole instrumentation library."""

# As in docker-compose.yml, but for the network, which is the machine's where node_exporter runs outside of a
# container; the paths are those of a container.
_TEXTFILES = "--collector.textfile.directory"
_LEFT_OUT_FLAGS = ("--path.", "--no-collector.", _TEXTFILES)

_FAULTS = ("alias_failure", "payload_index_failure", "query_errors", "security_burst")
"""What happens seldom, and is empty until then where no series can stand in for it."""
_FAULT_SECONDS = 90.0
_HURRIED_PROBE = {"INTERVAL_SECONDS": "15", "QUERIES_PER_MINUTE": "600", "MAX_LOAD_RATIO": "0.2"}


@dataclass(frozen=True)
class WholeStack:
    """The running demo and what was added to it."""

    stack: Stack
    rules: Path
    promtool: Path

    @property
    def url(self) -> str:
        """The address of Prometheus."""
        return self.stack.site.url("prometheus")

    def read_traces(self) -> None:
        """Read as a person does in Jaeger, where there is one, so that it counts reads."""
        if "jaeger" in self.stack.site.ports:
            asked = {"service": SERVICE, "limit": "1"}
            httpx.get(self.stack.site.url("jaeger", "/api/traces"), params=asked, trust_env=False, timeout=60)

    @property
    def storage(self) -> Path:
        """The folder of Prometheus' blocks."""
        return self.stack.site.folder / "prometheus"


@contextmanager
def run_whole_stack() -> Iterator[WholeStack]:
    """Run the demo and the rest, and let Prometheus read all of it. Raises VectorwatchError."""
    repository = find_repository()
    tools = ensure_tools(["blackbox_exporter", "node_exporter", "promtool"], repository / ".tools")
    with ExitStack() as until_the_end:
        stack = until_the_end.enter_context(run_stack(gather_needs("free"), Interruption()))
        site = stack.site
        rendered = site.configuration.prometheus.parent
        node, blackbox, replica = find_free_ports(3)
        authority = trustme.CA()
        page = until_the_end.enter_context(_serve_page(authority))
        stack.supervisor.start(
            [
                _describe_node_exporter(repository, tools["node_exporter"], node),
                _describe_blackbox(repository, tools["blackbox_exporter"], blackbox, authority, site.folder),
                _describe_replica(site, replica),
            ],
            announce=lambda _: None,
        )
        _hurry_probe(stack)
        addresses = {"node-exporter:9100": f"{HOST}:{node}", "blackbox-exporter:9115": f"{HOST}:{blackbox}"}
        text = replace_addresses((repository / "prometheus/prometheus.yml").read_text("utf-8"), site.ports)
        for address, recording in PLAYED_FOR_ADDRESS.items():
            if address in text:
                addresses[address] = until_the_end.enter_context(play(repository / recording))
        for address, other in addresses.items():
            text = text.replace(address, other)
        beside = [(job, repository / recording) for job, recording in PLAYED_BESIDE]
        beside.append(("app", _use_every_name(repository, site.folder / "every-name.prom")))
        played = [(job, path.stem, until_the_end.enter_context(play(path))) for job, path in beside]
        _list_probed(rendered / "targets" / "blackbox.yml", [page, site.url(SERVICE, "/healthz")])
        _write_jobs(rendered / "jobs" / "played.yml", played)
        _shorten_intervals(rendered / "rules")
        configuration = yaml.safe_load(text)
        leave_out_passwords(configuration)
        site.configuration.prometheus.write_text(
            yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8"
        )
        httpx.post(f"{site.url('prometheus')}/-/reload", trust_env=False, timeout=60).raise_for_status()
        faults = FaultClient(site.url(SERVICE))
        for fault in _FAULTS:
            faults.begin(fault, _FAULT_SECONDS)
        yield WholeStack(stack, rendered / "rules", tools["promtool"])


def _describe_node_exporter(repository: Path, program: Path, port: int) -> Service:
    compose = yaml.safe_load((repository / "docker-compose.yml").read_text(encoding="utf-8"))
    flags = [
        flag.replace("$$", "$")
        for flag in compose["services"]["node-exporter"]["command"]
        if not flag.startswith(_LEFT_OUT_FLAGS)
    ]
    flags.append(f"{_TEXTFILES}={repository / _RECORDED / 'textfiles'}")
    command = (str(program), *flags, f"--web.listen-address={HOST}:{port}")
    return Service("node-exporter", command, answers_http(f"http://{HOST}:{port}/metrics"))


def _hurry_probe(stack: Stack) -> None:
    """Start the recall probe again so that it makes in two minutes the hundred searches that a p99 needs."""
    probe = next(one for one in describe_watchers(stack.site) if one.name == "hnsw-probe")
    hurried = {f"VECTORWATCH_HNSW_{name}": value for name, value in _HURRIED_PROBE.items()}
    stack.supervisor.kill(probe.name)
    faster = replace(probe, environment={**probe.environment, **hurried})
    stack.supervisor.start([faster], announce=lambda _: None)


def _describe_replica(site: Site, port: int) -> Service:
    """Return a replica of the demo's cache, so that there is a lag."""
    folder = site.folder / "replica"
    service = describe_valkey("replica", port, folder)
    with (folder / "valkey.conf").open("a", encoding="utf-8") as stream:
        stream.write(f"replicaof {HOST} {site.ports[CACHE]}\n")
    return service


def _use_every_name(repository: Path, path: Path) -> Path:
    command = [sys.executable, str(repository / _EVERY_NAME)]
    # One model is let in, so that others are refused, and counted as such.
    environment = {**os.environ, "VECTORWATCH_INSTRUMENT_MAX_MODELS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    path.write_text(done.stdout, encoding="utf-8")
    return path


def _describe_blackbox(
    repository: Path, program: Path, port: int, authority: trustme.CA, folder: Path
) -> Service:
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    modules = repository / "blackbox" / "blackbox.yml"
    return Service(
        name="blackbox-exporter",
        command=(str(program), f"--config.file={modules}", f"--web.listen-address={HOST}:{port}"),
        ready=answers_http(f"http://{HOST}:{port}/-/healthy"),
        environment={"SSL_CERT_FILE": str(trusted)},
    )


@contextmanager
def _serve_page(authority: trustme.CA) -> Iterator[str]:
    """Serve a page over HTTPS; yield its address."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(tls)

    class Well(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"well\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the test's output clean."""

    server = ThreadingHTTPServer((HOST, 0), Well)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _list_probed(path: Path, addresses: Sequence[str]) -> None:
    path.write_text(yaml.safe_dump([{"targets": list(addresses)}]), encoding="utf-8")


def _write_jobs(path: Path, played: Sequence[tuple[str, str, str]]) -> None:
    """Let what is played look as if its job had scraped it, each under a name of its own."""
    groups = [
        {"targets": [address], "labels": {"job": job, "instance": f"{PLAYED_PREFIX}{name}:1"}}
        for job, name, address in played
    ]
    jobs = {"scrape_configs": [{"job_name": "played", "static_configs": groups}]}
    path.write_text(yaml.safe_dump(jobs), encoding="utf-8")


def _shorten_intervals(folder: Path) -> None:
    """Let groups that wait for minutes be evaluated as often as the others: nobody waits for them here."""
    for path in folder.glob("*.yml"):
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in body["groups"]:
            group.pop("interval", None)
        path.write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")

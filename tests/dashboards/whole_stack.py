"""The demo's Prometheus with all jobs of the repository: what the demo lacks runs beside it or is played."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import trustme
import yaml

from tests.dashboards.playback import play
from vectorwatch.demo.interruption import Interruption
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.readiness import answers_http
from vectorwatch.demo.rendering import replace_addresses
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.stack import Stack, gather_needs, run_stack
from vectorwatch.demo.supervisor import Service
from vectorwatch.demo.tools import ensure_tools

_RECORDED = Path("tests/dashboards/recorded")
_GOLDEN = "tests/unit/{room}/golden/{name}.prom"
PLAYED_PREFIX = "played-"
"""Of the `instance` of what is played: so that one sees what only a recording answers."""

PLAYED_FOR_ADDRESS: Mapping[str, Path] = {
    "cadvisor:8080": _RECORDED / "cadvisor.prom",
    "grafana:3000": _RECORDED / "grafana.prom",
    "jaeger:8888": _RECORDED / "jaeger.prom",
    "jaeger:8889": _RECORDED / "jaeger-spanmetrics.prom",
}
"""By address in prometheus.yml: what answers there, unless the demo runs it (Jaeger, where it is built)."""

PLAYED_BESIDE: Sequence[tuple[str, str, str]] = (
    ("gpu-exporter", "gpu", "h100-mig"),
    ("gpu-exporter", "gpu", "h200"),
    ("gpu-exporter", "gpu", "l40s"),
    ("gpu-exporter", "gpu", "rtx-4080-super"),
    ("dragonfly-exporter", "dragonfly", "dragonfly-1.40-replica"),
    ("dragonfly-exporter", "dragonfly", "dragonfly-1.39.0"),
    ("dragonfly-exporter", "dragonfly", "redis-7.0.15-replica"),
    ("qdrant-exporter", "qdrant", "qdrant-1.14-cluster"),
    ("qdrant-exporter", "qdrant", "qdrant-1.19-features"),
)
"""Job, room and golden exposition of servers that differ from those of the demo."""

# As in docker-compose.yml, but for the network, which is the machine's where node_exporter runs outside of a
# container; the paths are those of a container.
_LEFT_OUT_FLAGS = ("--path.", "--no-collector.")


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
        node, blackbox = find_free_ports(2)
        authority = trustme.CA()
        page = until_the_end.enter_context(_serve_page(authority))
        stack.supervisor.start(
            [
                _describe_node_exporter(repository, tools["node_exporter"], node),
                _describe_blackbox(repository, tools["blackbox_exporter"], blackbox, authority, site.folder),
            ],
            announce=lambda _: None,
        )
        addresses = {"node-exporter:9100": f"{HOST}:{node}", "blackbox-exporter:9115": f"{HOST}:{blackbox}"}
        text = replace_addresses((repository / "prometheus/prometheus.yml").read_text("utf-8"), site.ports)
        for address, recording in PLAYED_FOR_ADDRESS.items():
            if address in text:
                addresses[address] = until_the_end.enter_context(play(repository / recording))
        for address, other in addresses.items():
            text = text.replace(address, other)
        beside = [
            (job, name, until_the_end.enter_context(play(repository / _GOLDEN.format(room=room, name=name))))
            for job, room, name in PLAYED_BESIDE
        ]
        _list_probed(rendered / "targets" / "blackbox.yml", [page, site.url("demo-app", "/healthz")])
        _write_jobs(rendered / "jobs" / "played.yml", beside)
        _shorten_intervals(rendered / "rules")
        site.configuration.prometheus.write_text(text, encoding="utf-8")
        httpx.post(f"{site.url('prometheus')}/-/reload", trust_env=False, timeout=60).raise_for_status()
        yield WholeStack(stack, rendered / "rules", tools["promtool"])


def _describe_node_exporter(repository: Path, program: Path, port: int) -> Service:
    compose = yaml.safe_load((repository / "docker-compose.yml").read_text(encoding="utf-8"))
    flags = [
        flag.replace("$$", "$")
        for flag in compose["services"]["node-exporter"]["command"]
        if not flag.startswith(_LEFT_OUT_FLAGS)
    ]
    command = (str(program), *flags, f"--web.listen-address={HOST}:{port}")
    return Service("node-exporter", command, answers_http(f"http://{HOST}:{port}/metrics"))


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

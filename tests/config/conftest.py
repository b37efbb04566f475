"""The repository's configuration as data, the real programs that read it, and sinks for what they send."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as email_policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from vectorwatch.catalogue import metrics_of
from vectorwatch.demo.debian import PackageError, open_suite
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.readiness import answers_http
from vectorwatch.demo.tools import ensure_tools

from .compose import Render, make_render

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def repository_files(repository: Path) -> Sequence[str]:
    """The paths of what is in the repository, or would be with the next commit."""
    command = [shutil.which("git") or "git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@pytest.fixture(scope="session")
def tools() -> Mapping[str, Path]:
    return ensure_tools(["prometheus", "promtool", "alertmanager", "amtool"])


@pytest.fixture
def debian_programs(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, give_up: Callable[[str], NoReturn]
) -> Callable[..., Path]:
    """Return the `/usr/bin` of Debian packages, unpacked into a folder of `.tools/` and kept between runs."""

    def provide(folder: str, suite: str, *packages: str) -> Path:
        kept = repository / ".tools" / folder
        if not (kept / "complete").exists():
            try:
                opened = open_suite(suite, tmp_path_factory.mktemp("apt"), print)
                for package in opened.list_packages(packages, with_libraries=False):
                    opened.unpack(package, kept, print)
            except PackageError as error:
                give_up(f"{', '.join(packages)} of Debian {suite} cannot be had: {error}")
            (kept / "complete").touch()
        return kept / "usr" / "bin"

    return provide


@pytest.fixture(scope="session")
def render(repository: Path) -> Render:
    return make_render(ensure_tools(["docker-compose"])["docker-compose"], repository)


@dataclass(frozen=True)
class Rule:
    """An alert or a recording, and where it stands."""

    file: str
    group: str
    name: str
    is_alert: bool
    expr: str
    body: Mapping[str, Any]


def read_rules() -> list[Rule]:
    rules = []
    for path in sorted((REPOSITORY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for body in group["rules"]:
                name = body.get("alert") or body["record"]
                rules.append(Rule(path.name, group["name"], name, "alert" in body, body["expr"], body))
    return rules


def copy_with(source: Path, destination: Path, replacements: Mapping[str, str]) -> Path:
    """Copy a folder of text files with addresses (and intervals) replaced, as the demo does."""
    pattern = re.compile("|".join(re.escape(text) for text in sorted(replacements, key=len, reverse=True)))
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns("secrets"))
    for path in destination.rglob("*"):
        if path.is_file() and replacements:
            text = path.read_text(encoding="utf-8")
            path.write_text(pattern.sub(lambda found: replacements[found.group()], text), encoding="utf-8")
    return destination


@pytest.fixture
def copy() -> Callable[[Path, Path, Mapping[str, str]], Path]:
    return copy_with


@pytest.fixture(scope="session")
def rules() -> list[Rule]:
    return read_rules()


class Prometheus:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=10)
        return answer.json()["data"]

    def query(self, expr: str) -> list[tuple[Mapping[str, str], float]]:
        rows = self.get("query", query=expr)["result"]
        return [(row["metric"], float(row["value"][1])) for row in rows]

    def parse(self, expr: str) -> Any:
        """Return the syntax tree of an expression; fail with the parser's words if it has none."""
        answer = httpx.post(f"{self.url}/api/v1/parse_query", data={"query": expr}, trust_env=False).json()
        assert answer["status"] == "success", f"{answer.get('error')}: {expr}"
        return answer["data"]

    def targets(self) -> set[tuple[str, str, str]]:
        """Return job, instance and URL of every active target."""
        return {
            (target["labels"]["job"], target["labels"]["instance"], target["scrapeUrl"])
            for target in self.get("targets", state="active")["activeTargets"]
        }


@pytest.fixture
def start_prometheus(
    tools: Mapping[str, Path],
    repository: Path,
    tmp_path: Path,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
) -> Callable[..., Prometheus]:
    def start(folder: Path, *flags: str, port: int = 0) -> Prometheus:
        # What `setup` makes: passwords, which nobody asks for here.
        secrets = tmp_path / "run-secrets"
        secrets.mkdir(exist_ok=True)
        for name in ("prometheus_password", "alertmanager_password"):
            (secrets / name).write_text("any", encoding="utf-8")
        configuration = folder / "prometheus.yml"
        text = configuration.read_text(encoding="utf-8").replace("/run/secrets", str(secrets))
        configuration.write_text(text, encoding="utf-8")
        address = f"127.0.0.1:{port or free_port()}"
        argv = [
            str(tools["prometheus"]),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address={address}",
            f"--web.user-assets={repository / 'docs'}",
            "--enable-feature=exemplar-storage",
            *flags,
        ]
        start_program(argv, ready_url=f"http://{address}/-/ready")
        return Prometheus(f"http://{address}")

    return start


@dataclass
class Sinks:
    """What arrived over HTTP, as (path, JSON), and as mail."""

    http_port: int
    smtp_port: int
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    def posts_to(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in list(self.posts) if where == path]

    def attachments(self) -> list[dict[str, Any]]:
        return [attachment for body in self.posts_to("/slack") for attachment in body["attachments"]]


@pytest.fixture
def sinks(free_port: Callable[[], int]) -> Iterator[Sinks]:
    """Take HTTP posts and mails as Slack, a webhook and a mail server would."""
    sinks = Sinks(free_port(), free_port())

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sinks.posts.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the test's output clean."""

    class Mailbox:
        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
            content = envelope.content
            assert isinstance(content, bytes)
            message = BytesParser(policy=email_policy).parsebytes(content)
            assert isinstance(message, EmailMessage)
            sinks.mails.append(message)
            return "250 stored"

    server = ThreadingHTTPServer(("127.0.0.1", sinks.http_port), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    mail_server = Controller(Mailbox(), hostname="127.0.0.1", port=sinks.smtp_port)
    thread.start()
    mail_server.start()
    yield sinks
    mail_server.stop()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Page:
    """A stand-in for anything that serves metrics: one text at every path, and what it was asked with."""

    port: int
    text: str
    paths: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def serve_metrics(free_port: Callable[[], int]) -> Iterator[Callable[..., Page]]:
    servers: list[ThreadingHTTPServer] = []

    def start(text: str, port: int = 0) -> Page:
        page = Page(port or free_port(), text)

        class Exposition(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.paths.append(self.path)
                page.authorizations.append(self.headers.get("Authorization", ""))
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(page.text.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keep the test's output clean."""

        server = ThreadingHTTPServer(("127.0.0.1", page.port), Exposition)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return page

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def parse_promql(
    tools: Mapping[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    run_programs: Callable[..., AbstractContextManager[Any]],
) -> Iterator[Callable[[str], Any]]:
    """Prometheus' own parser: the tree of an expression; ValueError with its words for what is none."""
    folder = tmp_path_factory.mktemp("parser")
    (folder / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    url = f"http://{HOST}:{find_free_ports(1)[0]}"
    argv = [
        str(tools["prometheus"]),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with (
        run_programs(argv, folder / "prometheus.log", answers_http(f"{url}/-/ready")),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):

        def parse(expr: str) -> Any:
            answer = client.post("/api/v1/parse_query", data={"query": expr}).json()
            if answer["status"] != "success":
                raise ValueError(answer.get("error"))
            return answer["data"]

        yield parse


# ── What is emitted ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def exporter_metrics() -> Mapping[str, set[str]]:
    """Return the names of the series that our own programs and library emit, each with its labels."""
    found: dict[str, set[str]] = {}
    for room in ("qdrant", "dragonfly", "gpu", "hnsw", "logs", "benchmark", "backup", "inbox", "instrument"):
        for entry in metrics_of(room):
            # A bucket has `le` as well, which some rules select by.
            found |= {
                name: {*entry.labels, *(["le"] if name.endswith("_bucket") else [])} for name in entry.series
            }
    return found


@pytest.fixture(scope="session")
def emitted_metrics(exporter_metrics: Mapping[str, set[str]]) -> set[str]:
    """Return every name that a rule may use: ours, and the foreign ones that `foreign_metrics.yml` lists."""
    foreign = yaml.safe_load((Path(__file__).parent / "foreign_metrics.yml").read_text(encoding="utf-8"))
    return set(exporter_metrics) | {name for names in foreign.values() for name in names}

"""WEB_LOGIN: Prometheus and Alertmanager as `setup` prepares them, and everybody who asks them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from vectorwatch.serve.web_login import WEB_USER
from vectorwatch.setup.keyring import KEYRINGS
from vectorwatch.setup.rotation import begin, end
from vectorwatch.setup.service import CADDY, DATA_OWNERS, prepare

from .compose import Render

Start = Callable[..., Any]
Copy = Callable[[Path, Path, Mapping[str, str]], Path]
SERVERS = ("prometheus", "alertmanager")


def keep_owner(path: Path, uid: int, gid: int) -> None:
    """Root alone may give files away, and all programs here run as who runs the test."""


@dataclass(frozen=True)
class Pair:
    """Both servers, running with this repository's configuration and the volumes that `setup` filled."""

    secrets: Path
    checkout: Path
    urls: Mapping[str, str]

    def password_file(self, server: str) -> Path:
        return self.secrets / server / f"{server}_password"

    def fill(self, *, ask: bool) -> None:
        lists, data = self.secrets.parent / "lists", self.secrets.parent / "data"
        owned = (data / name for name in DATA_OWNERS if name != CADDY)
        for folder in (lists, *owned, *(self.secrets / one.service for one in KEYRINGS)):
            folder.mkdir(parents=True, exist_ok=True)
        for _ in prepare(self.secrets, self.checkout, lists, data, chown=keep_owner, ask=ask):
            pass

    def rotate(self, *names: str) -> None:
        for _ in begin(self.secrets, self.checkout, names, logs=False, ask=True, chown=keep_owner):
            pass
        end(self.secrets, keep_owner)

    def ask(self, server: str, path: str, password: str = "", method: str = "GET") -> int:
        login = (WEB_USER, password) if password else None
        answer = httpx.request(method, f"{self.urls[server]}{path}", auth=login, trust_env=False, timeout=30)
        return answer.status_code

    def answers(self, server: str) -> bool:
        try:
            return self.ask(server, "/-/ready") in (200, 401)
        except httpx.HTTPError:
            return False

    def query(self, expression: str) -> list[float]:
        """Return the values; none as long as Prometheus takes the password for wrong."""
        answer = httpx.get(
            f"{self.urls['prometheus']}/api/v1/query",
            params={"query": expression},
            auth=(WEB_USER, self.password_file("prometheus").read_text()),
            trust_env=False,
            timeout=30,
        )
        return (
            [float(row["value"][1]) for row in answer.json()["data"]["result"]] if answer.is_success else []
        )


@pytest.fixture
def pair(
    repository: Path,
    tools: Mapping[str, Path],
    copy: Copy,
    tmp_path: Path,
    free_port: Callable[[], int],
    start_program: Start,
) -> Pair:
    ports = {server: free_port() for server in SERVERS}
    secrets = tmp_path / "secrets"
    places = {
        "prometheus:9090": f"127.0.0.1:{ports['prometheus']}",
        "alertmanager:9093": f"127.0.0.1:{ports['alertmanager']}",
        "/run/secrets": str(secrets / "prometheus"),
        "/etc/alertmanager/secrets": str(secrets / "alertmanager"),
        "_interval: 15s": "_interval: 1s",
        "_timeout: 10s": "_timeout: 1s",
    }
    folders = {server: copy(repository / server, tmp_path / server, places) for server in SERVERS}
    (folders["alertmanager"] / "secrets").symlink_to(secrets / "alertmanager")
    checkout = tmp_path / "checkout" / "alertmanager"
    shutil.copytree(repository / "alertmanager" / "defaults", checkout / "defaults")
    (checkout / "secrets").mkdir()
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    pair = Pair(secrets, checkout.parent, urls)
    pair.fill(ask=True)
    # Alertmanager first: Prometheus counts what it could not send.
    for server, storage in (("alertmanager", "--storage.path"), ("prometheus", "--storage.tsdb.path")):
        argv = [
            str(tools[server]),
            f"--config.file={folders[server] / f'{server}.yml'}",
            f"{storage}={tmp_path / f'{server}-data'}",
            f"--web.listen-address=127.0.0.1:{ports[server]}",
            f"--web.config.file={secrets / server / 'web.yml'}",
        ]
        more = ["--web.enable-lifecycle"] if server == "prometheus" else ["--cluster.listen-address="]
        start_program([*argv, *more], ready=lambda server=server: pair.answers(server))
    return pair


def check_health(pair: Pair, render: Render, tools: Mapping[str, Path], server: str, folder: Path) -> int:
    """Run the health check of the compose file; return its exit code."""
    program, *words = render()["services"][server]["healthcheck"]["test"][1:]
    port = {"prometheus": 9090, "alertmanager": 9093}[server]
    places = {f"http://127.0.0.1:{port}": pair.urls[server], f"/etc/{server}/": f"{folder}/"}
    for place, own in places.items():
        words = [word.replace(place, own) for word in words]
    done = subprocess.run([str(tools[program]), *words], cwd=folder, capture_output=True, timeout=60)
    return done.returncode


def test_whoever_has_no_password_gets_nothing_and_stops_nothing(pair: Pair) -> None:
    for server, paths in {
        "prometheus": ("/", "/metrics", "/api/v1/query?query=up", "/user/runbooks/TargetDown.md", "/-/ready"),
        "alertmanager": ("/", "/metrics", "/api/v2/alerts", "/-/ready"),
    }.items():
        assert {pair.ask(server, path) for path in paths} == {401}
        assert pair.ask(server, "/metrics", "wrong") == 401
        assert pair.ask(server, "/metrics", pair.password_file(server).read_text()) == 200
    assert pair.ask("prometheus", "/-/quit", method="POST") == 401
    assert pair.ask("alertmanager", "/api/v2/silences", method="POST") == 401
    # Each has its own.
    assert pair.ask("alertmanager", "/metrics", pair.password_file("prometheus").read_text()) == 401


def test_prometheus_scrapes_both_and_its_alerts_arrive(pair: Pair, poll: Callable[..., None]) -> None:
    poll(
        lambda: pair.query('up{job=~"prometheus|alertmanager"} == 1') == [1.0, 1.0],
        "both are scraped with their passwords",
    )
    poll(
        lambda: (
            sum(pair.query("prometheus_notifications_sent_total")) > 0
            and sum(pair.query("prometheus_notifications_errors_total")) == 0
            and sum(pair.query('alertmanager_alerts{state="active"}')) > 0
        ),
        "alerts arrive at Alertmanager",
    )


def test_the_health_checks_have_the_password(
    pair: Pair, render: Render, tools: Mapping[str, Path], tmp_path: Path
) -> None:
    for server in SERVERS:
        assert check_health(pair, render, tools, server, tmp_path / server) == 0
        pair.password_file(server).chmod(0o600)
        pair.password_file(server).write_text("another")
        assert check_health(pair, render, tools, server, tmp_path / server) == 1


def test_asking_is_switched_off_and_on_while_both_run(pair: Pair, poll: Callable[..., None]) -> None:
    pair.fill(ask=False)
    for server in SERVERS:
        assert pair.ask(server, "/metrics") == pair.ask(server, "/metrics", "any") == 200
    pair.fill(ask=True)
    for server in SERVERS:
        assert pair.ask(server, "/metrics") == 401
    poll(lambda: pair.query('up{job="alertmanager"}') == [1.0], "Prometheus goes on")


def test_a_rotated_password_is_taken_without_a_restart(pair: Pair, poll: Callable[..., None]) -> None:
    old = {server: pair.password_file(server).read_text() for server in SERVERS}
    pair.rotate("prometheus/prometheus_password", "alertmanager/alertmanager_password")
    for server in SERVERS:
        assert pair.ask(server, "/metrics", old[server]) == 401
        assert pair.ask(server, "/metrics", pair.password_file(server).read_text()) == 200
    poll(
        lambda: pair.query('min_over_time(up{job=~"prometheus|alertmanager"}[3s])') == [1.0, 1.0],
        "Prometheus scrapes with the new ones",
    )


def test_the_status_api_reads_prometheus_with_the_password(
    pair: Pair,
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    start_program: Start,
) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    settings = {
        "PORT": str(port),
        "PROMETHEUS_URL": pair.urls["prometheus"],
        "PROMETHEUS_PASSWORD_FILE": str(pair.secrets / "status" / "prometheus_password"),
        "ALERTMANAGER_URL": pair.urls["alertmanager"],
        "FRESH_SECONDS": "0",
    }
    environment = {f"VECTORWATCH_STATUS_{name}": value for name, value in settings.items()}
    start_program(
        [*vectorwatch_command, "status-api"], ready_url=f"{url}/readyz", env={**os.environ, **environment}
    )

    def read_report() -> Any:
        return httpx.get(f"{url}/health/detailed", trust_env=False, timeout=30).json()

    assert not read_report().get("problem")
    alertmanager = httpx.get(f"{url}/health/alertmanager", trust_env=False, timeout=30).json()
    assert "unhealthy" not in str(alertmanager["status"])
    pair.fill(ask=False)
    pair.rotate("prometheus/prometheus_password")
    assert not read_report().get("problem"), "the file is read at each question"


def test_advise_says_that_a_password_is_wanted_and_takes_a_file(
    pair: Pair, vectorwatch_command: list[str]
) -> None:
    argv = [*vectorwatch_command, "advise", "--prometheus", pair.urls["prometheus"], "--collection", "docs"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "asks for a password" in done.stderr
    assert "--password-file" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = subprocess.run([*argv, "--password-file", "/none"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "'/none' does not exist" in done.stderr
    argv += ["--password-file", str(pair.password_file("prometheus"))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert "no HNSW probe was seen" in done.stderr, "it was let in"


# ── As it is written ─────────────────────────────────────────────────────────────────────────────────────


def test_everybody_who_asks_them_mounts_what_is_asked_for(repository: Path, render: Render) -> None:
    services = render()["services"]
    text = (repository / "grafana/provisioning/datasources/datasources.yml").read_text(encoding="utf-8")
    for source in yaml.safe_load(text)["datasources"]:
        if source["uid"] in SERVERS:
            assert source["basicAuthUser"] == WEB_USER
            wanted = f"$__file{{/run/secrets/{source['uid']}_password}}"
            assert source["secureJsonData"]["basicAuthPassword"] == wanted
    configuration = (repository / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    assert configuration.count(f"username: {WEB_USER}") == 2
    readers = {"prometheus", "grafana", "status"}
    mounting = {
        name: {mount["source"] for mount in service.get("volumes", []) if mount["target"] == "/run/secrets"}
        for name, service in services.items()
    }
    assert {name for name in readers if mounting[name] == {f"{name}_secrets"}} == readers


def test_setup_takes_the_wish_from_env(render: Render) -> None:
    assert render()["services"]["setup"]["environment"]["WEB_LOGIN"] == "0"
    assert render(WEB_LOGIN="1")["services"]["setup"]["environment"]["WEB_LOGIN"] == "1"

"""What an older Prometheus and an older Alertmanager have stored is there when newer ones have started on it.

The older ones are Debian 12's, the newer ones those that the demo and the smoke test run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.demo.bundles import read_version

# Debian's older Alertmanager reads its templates from /usr/share alone: it gets one that only it sees.
OWN_SHARE = 'mount -t tmpfs tmpfs /usr/share && cp -r "$1" /usr/share/prometheus && shift && exec "$@"'
Start = Callable[..., Any]


@pytest.fixture
def older(debian_programs: Callable[..., Path]) -> Path:
    return debian_programs("older", "bookworm", "prometheus", "prometheus-alertmanager")


def get(url: str, **parameters: str) -> Any:
    return httpx.get(url, params=parameters, timeout=10, trust_env=False).raise_for_status().json()


def end(program: Any) -> None:
    program.process.terminate()
    program.process.wait(60)


def test_samples_of_an_older_prometheus_stay(
    older: Path,
    tools: Mapping[str, Path],
    tmp_path: Path,
    free_port: Callable[[], int],
    start_program: Start,
    poll: Callable[..., None],
) -> None:
    assert (read_version(older / "prometheus") or (9, 9)) < (read_version(tools["prometheus"]) or (0, 0))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(
        "scrape_configs:\n- job_name: itself\n  scrape_interval: 1s\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n",
        encoding="utf-8",
    )

    def start(binary: Path) -> Any:
        options = {
            "config.file": configuration,
            "storage.tsdb.path": tmp_path / "data",
            "web.listen-address": f"127.0.0.1:{port}",
        }
        argv = [str(binary), *(f"--{name}={value}" for name, value in options.items())]
        return start_program(argv, ready_url=f"{url}/-/ready")

    first = start(older / "prometheus")
    poll(lambda: bool(get(f"{url}/api/v1/query", query="up == 1")["data"]["result"]), "a sample")
    ((moment, value),) = [
        found["value"] for found in get(f"{url}/api/v1/query", query="timestamp(up)")["data"]["result"]
    ]
    assert value != "0"
    end(first)
    start(tools["prometheus"])
    kept = get(f"{url}/api/v1/query", query="timestamp(up)", time=str(moment))["data"]["result"]
    assert [found["value"] for found in kept] == [[moment, value]]


def test_silences_of_an_older_alertmanager_stay(
    older: Path,
    tools: Mapping[str, Path],
    repository: Path,
    tmp_path: Path,
    free_port: Callable[[], int],
    start_program: Start,
    give_up: Callable[[str], None],
) -> None:
    unshared = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshared, "true"], check=False, capture_output=True).returncode:
        give_up("this machine lets nobody make a namespace, which Debian's older Alertmanager needs")
    name = "prometheus-alertmanager"
    assert (read_version(older / name) or (9, 9)) < (read_version(tools["alertmanager"]) or (0, 0))
    url = f"http://127.0.0.1:{free_port()}"
    configuration = tmp_path / "alertmanager.yml"
    configuration.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")

    def start(*command: str) -> Any:
        options = {
            "config.file": configuration,
            "storage.path": tmp_path / "data",
            "web.listen-address": url.removeprefix("http://"),
            "cluster.listen-address": "",
        }
        argv = [*command, *(f"--{option}={value}" for option, value in options.items())]
        return start_program(argv, ready_url=f"{url}/-/ready")

    share = older.parent / "share" / "prometheus"
    first = start(*unshared, "sh", "-c", OWN_SHARE, "sh", str(share), str(older / name))
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "Old", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(days=1)).isoformat(),
        "createdBy": "older",
        "comment": "must stay",
    }
    made = httpx.post(f"{url}/api/v2/silences", json=silence, timeout=10, trust_env=False).raise_for_status()
    end(first)
    start(str(tools["alertmanager"]))
    assert made.json()["silenceID"] in [found["id"] for found in get(f"{url}/api/v2/silences")]

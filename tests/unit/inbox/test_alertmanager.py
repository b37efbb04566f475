"""A real Alertmanager that sends to all three channels, with its own templates and retries."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.demo.tools import ensure_tools

CONFIG = """
route:
  receiver: everywhere
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: everywhere
  webhook_configs:
  - url: {url}/webhook
    send_resolved: true
  slack_configs:
  - api_url: {url}/slack
    channel: '#alerts'
    send_resolved: true
  email_configs:
  - to: oncall@example.com
    from: alertmanager@example.com
    smarthost: 127.0.0.1:{smtp_port}
    require_tls: false
    send_resolved: true
"""
ALERT = {
    "labels": {"alertname": "CacheDown", "severity": "critical", "instance": "cache:6379"},
    "annotations": {"summary": "The cache <b>is</b> down & out"},
    "generatorURL": "http://prometheus.example/graph",
}


@pytest.fixture
def start_alertmanager(
    start_program: Callable[..., Any], free_port: Callable[[], int], tmp_path: Path
) -> Callable[[Any], httpx.Client]:
    def start(inbox: Any) -> httpx.Client:
        program = ensure_tools(["alertmanager"])["alertmanager"]
        config = tmp_path / "alertmanager.yml"
        config.write_text(CONFIG.format(url=inbox.url, smtp_port=inbox.smtp_port), encoding="utf-8")
        address = f"127.0.0.1:{free_port()}"
        argv = [
            str(program),
            f"--config.file={config}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]
        start_program(argv, ready_url=f"http://{address}/-/ready")
        return httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=30)

    return start


def states(inbox: Any) -> set[tuple[str, str]]:
    return {(entry["channel"], entry["status"]) for entry in inbox.listed(limit=500)}


EVERYWHERE_FIRING = {("slack", "firing"), ("email", "firing"), ("webhook", "firing")}
EVERYWHERE_RESOLVED = {("slack", "resolved"), ("email", "resolved"), ("webhook", "resolved")}


def test_an_alert_arrives_everywhere_and_so_does_its_end(
    start_inbox: Callable[..., Any],
    start_alertmanager: Callable[[Any], httpx.Client],
    poll: Callable[..., None],
) -> None:
    inbox = start_inbox()
    with start_alertmanager(inbox) as alertmanager:
        alertmanager.post("/api/v2/alerts", json=[ALERT]).raise_for_status()
        poll(lambda: states(inbox) >= EVERYWHERE_FIRING, "firing everywhere")
        alertmanager.post(
            "/api/v2/alerts", json=[ALERT | {"endsAt": "2020-01-01T00:00:00Z"}]
        ).raise_for_status()
        poll(lambda: states(inbox) >= EVERYWHERE_RESOLVED, "resolved everywhere")
    for entry in inbox.listed():
        assert [alert["name"] for alert in entry["alerts"]] == ["CacheDown"]
        assert [alert["status"] for alert in entry["alerts"]] == [entry["status"]]
        assert entry["duplicate_of"] is None
        if entry["channel"] != "slack":  # whose default template has no text
            assert entry["severity"] == "critical"
            assert entry["alerts"][0]["labels"] == ALERT["labels"]
    assert "[FIRING:1] CacheDown (cache:6379 critical)" in inbox.client.get("/?channel=slack").text
    assert [line for line in inbox.log if line["log.level"] != "info"] == []


def test_it_tries_again_while_the_disk_is_full_until_all_have_arrived(
    start_inbox: Callable[..., Any],
    start_alertmanager: Callable[[Any], httpx.Client],
    poll: Callable[..., None],
) -> None:
    inbox = start_inbox()
    process = inbox.program.process.pid
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    used = inbox.post("/slack", {"text": "x" * 40_000})
    assert used.status_code == 200
    resource.prlimit(process, resource.RLIMIT_FSIZE, (int(inbox.metric("inbox_journal_bytes") or 0), hard))

    def refused(channel: str) -> float:
        return inbox.metric("inbox_refused_total", channel=channel, reason="disk_full") or 0

    with start_alertmanager(inbox) as alertmanager:
        alertmanager.post("/api/v2/alerts", json=[ALERT]).raise_for_status()
        channels = ("slack", "webhook", "email")
        poll(lambda: all(refused(channel) >= 2 for channel in channels), "each channel is tried again")
        assert states(inbox) == {("slack", "info")}
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))
        poll(lambda: states(inbox) >= EVERYWHERE_FIRING, "all have arrived")

"""A real Alertmanager with the repository's own configuration: who is told, and how it reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

# Test time: no waiting for a group to fill.
FAST = {"group_wait: 10s": "group_wait: 1s", "group_interval: 30s": "group_interval: 1s"}

QDRANT_DOWN = {
    "alertname": "QdrantDown",
    "severity": "critical",
    "component": "qdrant",
    "instance": "qdrant:6333",
}
ANNOTATIONS = {
    "summary": "Qdrant does not answer.",
    "description": "Qdrant qdrant:6333 has not answered for a minute.",
    "runbook_url": "http://127.0.0.1:9090/user/runbooks/QdrantDown.md",
}
# Alertmanager does not wait for more of a group when an alert is older than `group_wait`.
LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Alertmanager:
    """A running server, told of alerts as Prometheus does."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fire(
        self,
        *label_sets: Mapping[str, str],
        annotations: Mapping[str, str] = ANNOTATIONS,
        starts_at: datetime = LONG_AGO,
    ) -> None:
        self._post(label_sets, annotations, starts_at, datetime.now(UTC) + timedelta(minutes=5))

    def resolve(self, labels: Mapping[str, str], annotations: Mapping[str, str] = ANNOTATIONS) -> None:
        self._post([labels], annotations, LONG_AGO, datetime.now(UTC))

    def _post(
        self,
        label_sets: Sequence[Mapping[str, str]],
        annotations: Mapping[str, str],
        starts_at: datetime,
        ends_at: datetime,
    ) -> None:
        alerts = [
            {
                "labels": labels,
                "annotations": annotations,
                "startsAt": starts_at.isoformat(),
                "endsAt": ends_at.isoformat(),
                "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0",
            }
            for labels in label_sets
        ]
        httpx.post(f"{self.url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()

    def inhibited(self) -> list[Mapping[str, str]]:
        answer = httpx.get(f"{self.url}/api/v2/alerts", params={"inhibited": "true"}, trust_env=False)
        return [alert["labels"] for alert in answer.json() if alert["status"]["inhibitedBy"]]


@pytest.fixture
def folder(repository: Path, tmp_path: Path, copy: Callable[..., Path], sinks: Any) -> Path:
    """A copy that sends to the sinks; what a user would have configured is put there as for a user."""
    addresses = {"inbox:9446": f"127.0.0.1:{sinks.http_port}", "inbox:1025": f"127.0.0.1:{sinks.smtp_port}"}
    folder = copy(repository / "alertmanager", tmp_path / "alertmanager", FAST | addresses)
    (folder / "secrets").mkdir()
    subprocess.run([str(repository / "scripts" / "default-receivers"), str(folder)], check=True)
    return folder


@pytest.fixture
def alertmanager(
    tools: Mapping[str, Path],
    tmp_path: Path,
    folder: Path,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
) -> Alertmanager:
    url = f"http://127.0.0.1:{free_port()}"
    argv = [
        # Paths of `*_file` are relative to where it starts.
        *("env", f"--chdir={folder}", str(tools["alertmanager"])),
        "--config.file=alertmanager.yml",
        f"--storage.path={tmp_path / 'alertmanager-data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
        "--web.external-url=http://alerts.example.net:9093",
    ]
    start_program(argv, ready_url=f"{url}/-/ready")
    return Alertmanager(url)


def part(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


def test_a_critical_alert_reaches_slack_mail_and_webhook_and_so_does_its_end(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    alertmanager.fire(QDRANT_DOWN)
    poll(lambda: sinks.attachments() and sinks.mails and sinks.posts_to("/webhook"), "three messages")
    alertmanager.resolve(QDRANT_DOWN)
    poll(lambda: len(sinks.attachments()) > 1 and len(sinks.mails) > 1, "two more")
    poll(lambda: sinks.posts_to("/webhook")[-1]["status"] == "resolved", "the webhook's end")

    firing, resolved = sinks.attachments()
    assert firing["title"] == "[FIRING:1] QdrantDown (critical) on qdrant:6333"
    assert firing["fallback"] == firing["title"]
    assert firing["color"] == "danger"
    assert firing["text"] == (
        "*Qdrant does not answer.*\n"
        ":red_circle: Qdrant qdrant:6333 has not answered for a minute.\n"
        "_since 2026-01-02 03:04:05 UTC_ `instance=qdrant:6333 severity=critical` "
        "<http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0|Graph>\n"
        "<http://127.0.0.1:9090/user/runbooks/QdrantDown.md|What to do>  "
        "<http://alerts.example.net:9093/#/silences/new?filter=%7Balertname%3D%22QdrantDown%22%7D|Silence>  "
        "<http://alerts.example.net:9093/#/alerts?receiver=slack|All alerts>"
    )
    assert resolved["title"] == "[RESOLVED] QdrantDown (critical) on qdrant:6333"
    assert resolved["color"] == "good"
    assert ":white_check_mark:" in resolved["text"]
    assert "over at" in resolved["text"]
    assert "Silence" not in resolved["text"]

    first, last = sinks.mails
    assert first["Subject"] == firing["title"]
    assert last["Subject"] == resolved["title"]
    assert first["To"] == "on-call@vectorwatch.invalid"
    text = part(first, "plain").replace("\r\n", "\n")
    assert text.strip() == (
        "[FIRING:1] QdrantDown (critical) on qdrant:6333\n\n"
        "Qdrant does not answer.\n\n"
        "Firing\n"
        "Qdrant qdrant:6333 has not answered for a minute.\n"
        "since 2026-01-02 03:04:05 UTC\n"
        "Graph: http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0\n"
        "Labels:\n"
        " - alertname = QdrantDown\n - component = qdrant\n"
        " - instance = qdrant:6333\n - severity = critical\n\n"
        "What to do: http://127.0.0.1:9090/user/runbooks/QdrantDown.md\n"
        "Silence: http://alerts.example.net:9093/#/silences/new?filter=%7Balertname%3D%22QdrantDown%22%7D\n"
        "All alerts: http://alerts.example.net:9093/#/alerts?receiver=email"
    )
    html = part(first, "html")
    assert "Qdrant qdrant:6333 has not answered for a minute." in html
    assert '<a href="http://127.0.0.1:9090/user/runbooks/QdrantDown.md">' in html
    assert "border-top:6px solid #c62828" in html
    assert "border-top:6px solid #2e7d32" in part(last, "html")


def test_text_that_looks_like_markup_changes_no_message(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    hostile = (
        '<script>alert("1")</script> & <http://evil.example|here> \U0001f600 }}{{ end }}\nSubject: forged'
    )
    labels = {**QDRANT_DOWN, "collection": hostile}
    alertmanager.fire(labels, annotations={**ANNOTATIONS, "description": f"Collection {hostile} is odd."})
    poll(lambda: sinks.attachments() and sinks.mails, "both messages")
    [attachment], [mail] = sinks.attachments(), sinks.mails
    for value in (attachment["title"], attachment["text"]):
        assert "<script>" not in value
        assert "<http://evil" not in value
        assert "&lt;script&gt;" in value
        assert "\U0001f600 }}{{ end }}" in value
    assert "<script>" not in part(mail, "html")
    assert "&lt;script&gt;" in part(mail, "html")
    assert hostile.splitlines()[0] in part(mail, "plain")
    assert mail.get_all("Subject") == [str(mail["Subject"])]
    assert "forged" in mail["Subject"]


def test_an_alert_without_annotations_or_severity_is_told_all_the_same(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    alertmanager.fire({"alertname": "MadeByHand"}, annotations={})
    poll(lambda: sinks.attachments() and sinks.mails, "both messages")
    [attachment], [mail] = sinks.attachments(), sinks.mails
    assert attachment["title"] == "[FIRING:1] MadeByHand"
    assert attachment["color"] == "warning"
    assert ":red_circle: MadeByHand" in attachment["text"]
    assert "What to do" not in attachment["text"]
    assert "MadeByHand" in part(mail, "plain")
    assert "<no value>" not in attachment["text"] + part(mail, "plain") + part(mail, "html")


def test_a_storm_is_one_message_that_stays_short(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    storm = [
        {
            "alertname": "TargetDown",
            "severity": "warning",
            "job": "node-exporter",
            "instance": f"host-{number:02}:9100",
        }
        for number in range(25)
    ]
    alertmanager.fire(*storm, starts_at=datetime.now(UTC))
    poll(lambda: sinks.attachments() and sinks.mails, "both messages")
    [attachment] = sinks.attachments()
    assert attachment["title"] == "[FIRING:25] TargetDown (warning)"
    assert attachment["text"].count(":red_circle:") == 10
    assert "… and 15 more" in attachment["text"]
    assert all(alert["instance"] in part(sinks.mails[0], "plain") for alert in storm)


def test_the_watchdog_goes_to_its_own_place_and_disturbs_nobody(
    alertmanager: Alertmanager, sinks: Any, folder: Path, poll: Callable[..., None]
) -> None:
    (folder / "secrets" / "watchdog_url").write_text(f"http://127.0.0.1:{sinks.http_port}/ping/42\n")
    alertmanager.fire({"alertname": "Watchdog", "severity": "none"}, QDRANT_DOWN)
    poll(lambda: sinks.posts_to("/ping/42") and sinks.attachments() and sinks.mails, "all messages")
    assert [attachment["title"].split()[1] for attachment in sinks.attachments()] == ["QdrantDown"]
    assert [str(mail["Subject"]).split()[1] for mail in sinks.mails] == ["QdrantDown"]


def test_slack_is_switched_by_writing_one_file_and_nothing_else(
    alertmanager: Alertmanager, sinks: Any, folder: Path, repository: Path, poll: Callable[..., None]
) -> None:
    (folder / "secrets" / "slack_url").write_text(f"http://127.0.0.1:{sinks.http_port}/services/T0/B0/X0\n")
    subprocess.run([str(repository / "scripts" / "default-receivers"), str(folder)], check=True)
    alertmanager.fire(QDRANT_DOWN)
    poll(lambda: bool(sinks.posts_to("/services/T0/B0/X0")), "a message at the new place")
    assert sinks.posts_to("/slack") == []


def test_causes_silence_their_symptoms_and_nothing_else(
    alertmanager: Alertmanager, poll: Callable[..., None]
) -> None:
    low = {"alertname": "RecallLow", "component": "hnsw", "job": "hnsw-probe", "instance": "qdrant:6333"}
    inhibited = [
        {**low, "collection": "docs", "k": "10", "severity": "warning"},
        {"alertname": "TargetDown", "severity": "warning", "job": "qdrant", "instance": "qdrant:6333"},
        {
            "alertname": "TargetUnreadable",
            "severity": "warning",
            "job": "hnsw-probe",
            "instance": "qdrant:6333",
        },
    ]
    untouched = [
        {**low, "collection": "docs", "k": "10", "severity": "critical"},
        {**low, "collection": "docs", "k": "100", "severity": "warning"},
        {**low, "collection": "other", "k": "10", "severity": "warning"},
        {**low, "collection": "docs", "vector": "title", "k": "10", "severity": "warning"},
        {**low, "collection": "docs", "filter": "recent", "k": "10", "severity": "warning"},
        QDRANT_DOWN,
        {"alertname": "TargetDown", "severity": "warning", "job": "qdrant", "instance": "other:6333"},
        {"alertname": "TargetDown", "severity": "warning", "job": "node-exporter", "instance": "qdrant:6333"},
        {"alertname": "TargetDown", "severity": "warning", "job": "qdrant"},
    ]
    alertmanager.fire(*inhibited, *untouched)
    poll(lambda: len(alertmanager.inhibited()) >= len(inhibited), "the symptoms inhibited")
    key = sorted(sorted(labels.items()) for labels in inhibited)
    assert sorted(sorted(labels.items()) for labels in alertmanager.inhibited()) == key


def test_what_prometheus_finds_arrives_with_its_text_and_so_does_its_end(
    alertmanager: Alertmanager,
    sinks: Any,
    repository: Path,
    tmp_path: Path,
    copy: Callable[..., Path],
    start_prometheus: Callable[[Path], Any],
    free_port: Callable[[], int],
    serve_metrics: Callable[..., Any],
    poll: Callable[..., None],
) -> None:
    fast = {
        "interval: 15s": "interval: 1s",
        "scrape_timeout: 10s": "scrape_timeout: 1s",
        "for: 1m": "for: 1s",
    }
    address = {"alertmanager:9093": alertmanager.url.removeprefix("http://")}
    folder = copy(repository / "prometheus", tmp_path / "prometheus", fast | address)
    port = free_port()
    (folder / "targets" / "app.yml").write_text(f"- targets: ['127.0.0.1:{port}']", encoding="utf-8")
    start_prometheus(folder)

    def told(word: str) -> list[Any]:
        return [
            one
            for one in sinks.attachments()
            if one["title"].startswith(f"[{word}") and "Service" in one["title"]
        ]

    poll(lambda: bool(told("FIRING")), "ServiceDown in Slack")
    serve_metrics("app_requests_total 1\n", port)
    poll(lambda: bool(told("RESOLVED")), "its end in Slack")
    assert told("FIRING")[0]["title"] == f"[FIRING:1] ServiceDown (critical) on 127.0.0.1:{port}"
    text = told("FIRING")[0]["text"]
    assert f"app 127.0.0.1:{port} has not answered Prometheus for a minute." in text
    assert "/user/runbooks/ServiceDown.md|What to do>" in text
    assert "stack=" not in text
    end = f"[RESOLVED] ServiceDown (critical) on 127.0.0.1:{port}"
    poll(lambda: end in [str(mail["Subject"]) for mail in sinks.mails], "its end by mail")


def test_every_receiver_tells_the_end_except_the_dead_mans_switch(repository: Path) -> None:
    config = yaml.safe_load((repository / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    told = {
        receiver["name"]: integration["send_resolved"]
        for receiver in config["receivers"]
        for kind, integrations in receiver.items()
        if kind.endswith("_configs")
        for integration in integrations
    }
    assert told == {"slack": True, "email": True, "webhook": True, "watchdog": False}


def test_no_secret_can_enter_git(repository: Path) -> None:
    for name in ("slack_url", "smtp_password", "watchdog_url"):
        command = ["git", "check-ignore", "-q", f"alertmanager/secrets/{name}"]
        assert subprocess.run(command, cwd=repository).returncode == 0, name

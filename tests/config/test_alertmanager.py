"""A real Alertmanager with the repository's own configuration: who is told, and how it reads."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml

from vectorwatch.rules.service import render_rules

# Test time: no waiting for a group to fill.
FAST = {"group_wait: 10s": "group_wait: 1s", "group_interval: 30s": "group_interval: 1s"}
BUSINESS_HOURS = 'weekdays: ["monday:friday"]\n        times: [{start_time: "07:00", end_time: "19:00"}]'
# Whenever the tests run.
ALWAYS = {BUSINESS_HOURS: 'times: [{start_time: "00:00", end_time: "24:00"}]'}
NEVER = {BUSINESS_HOURS: 'years: ["1999"]'}

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
    "dashboard_url": "http://127.0.0.1:3000/d/vw-qdrant?var-instance=qdrant%3A6333",
}
# Alertmanager does not wait for more of a group when an alert is older than `group_wait`.
LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


# All labels, so that it silences this and nothing else.
SILENCE = (
    "http://alerts.example.net:9093/#/silences/new?filter=%7Balertname%3D%22QdrantDown%22"
    "%2Ccomponent%3D%22qdrant%22%2Cinstance%3D%22qdrant%3A6333%22%2Cseverity%3D%22critical%22%7D"
)


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
        self.fire_each([(labels, annotations) for labels in label_sets], starts_at)

    def fire_each(
        self, alerts: Sequence[tuple[Mapping[str, str], Mapping[str, str]]], starts_at: datetime = LONG_AGO
    ) -> None:
        """Fire alerts, each with its labels and its annotations, in one request."""
        self._post(alerts, starts_at, datetime.now(UTC) + timedelta(minutes=5))

    def resolve(self, *label_sets: Mapping[str, str]) -> None:
        self._post([(labels, ANNOTATIONS) for labels in label_sets], LONG_AGO, datetime.now(UTC))

    def _post(
        self,
        alerts: Sequence[tuple[Mapping[str, str], Mapping[str, str]]],
        starts_at: datetime,
        ends_at: datetime,
    ) -> None:
        body = [
            {
                "labels": labels,
                "annotations": annotations,
                "startsAt": starts_at.isoformat(),
                "endsAt": ends_at.isoformat(),
                "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            }
            for labels, annotations in alerts
        ]
        httpx.post(f"{self.url}/api/v2/alerts", json=body, trust_env=False).raise_for_status()

    def inhibited(self) -> list[Mapping[str, str]]:
        answer = httpx.get(f"{self.url}/api/v2/alerts", params={"inhibited": "true"}, trust_env=False)
        return [alert["labels"] for alert in answer.json() if alert["status"]["inhibitedBy"]]


@pytest.fixture
def folder(repository: Path, tmp_path: Path, copy: Callable[..., Path], sinks: Any) -> Path:
    """A copy that sends to the sinks; what a user would have configured is put there as for a user."""
    addresses = {"inbox:9446": f"127.0.0.1:{sinks.http_port}", "inbox:1025": f"127.0.0.1:{sinks.smtp_port}"}
    folder = copy(repository / "alertmanager", tmp_path / "alertmanager", FAST | ALWAYS | addresses)
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
    [message] = sinks.posts_to("/slack")
    assert message["username"] == "Vectorwatch on-call"
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
        "<http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0&amp;g0.tab=1|Graph> · "
        "<http://127.0.0.1:3000/d/vw-qdrant?var-instance=qdrant%3A6333|Dashboard>"
    )
    assert firing["title_link"] == "http://alerts.example.net:9093/#/alerts?receiver=slack-on-call"
    assert [(button["text"], button["url"]) for button in firing["actions"]] == [
        ("Runbook", "http://127.0.0.1:9090/user/runbooks/QdrantDown.md"),
        ("Dashboard", ANNOTATIONS["dashboard_url"]),
        ("Silence", SILENCE),
    ]
    assert resolved["title"] == "[RESOLVED] QdrantDown (critical) on qdrant:6333"
    assert resolved["color"] == "good"
    assert ":white_check_mark:" in resolved["text"]
    assert "over at" in resolved["text"]
    assert resolved["actions"][2]["text"] == "Silence anyway"

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
        "Graph: http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1\n"
        "Dashboard: http://127.0.0.1:3000/d/vw-qdrant?var-instance=qdrant%3A6333\n"
        "Labels:\n"
        " - alertname = QdrantDown\n - component = qdrant\n"
        " - instance = qdrant:6333\n - severity = critical\n\n"
        "What to do: http://127.0.0.1:9090/user/runbooks/QdrantDown.md\n"
        f"Silence: {SILENCE}\n"
        "All alerts: http://alerts.example.net:9093/#/alerts?receiver=email"
    )
    html = part(first, "html")
    assert "Qdrant qdrant:6333 has not answered for a minute." in html
    assert '<a href="http://127.0.0.1:9090/user/runbooks/QdrantDown.md">' in html
    assert f'<a href="{ANNOTATIONS["dashboard_url"]}">Dashboard</a>' in html
    assert "border-top:6px solid #c62828" in html
    assert "border-top:6px solid #2e7d32" in part(last, "html")


def test_text_that_looks_like_markup_changes_no_message(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    hostile = (
        '<script>alert("1")</script> & <http://evil.example|here> \U0001f600 }}{{ end }}\nSubject: forged'
    )
    labels = {**QDRANT_DOWN, "collection": hostile, "odd": "a`b"}
    alertmanager.fire(labels, annotations={**ANNOTATIONS, "description": f"Collection {hostile} is odd."})
    poll(lambda: sinks.attachments() and sinks.mails and sinks.posts_to("/pagerduty"), "all messages")
    [attachment], [mail], [incident] = sinks.attachments(), sinks.mails, sinks.posts_to("/pagerduty")
    for value in (attachment["title"], attachment["text"]):
        assert "<script>" not in value
        assert "<http://evil" not in value
        assert "&lt;script&gt;" in value
        assert "\U0001f600 }}{{ end }}" in value
    assert " odd=a'b " in attachment["text"]
    assert "<script>" not in part(mail, "html")
    assert "&lt;script&gt;" in part(mail, "html")
    assert hostile.splitlines()[0] in part(mail, "plain")
    assert mail.get_all("Subject") == [str(mail["Subject"])]
    assert "forged" in mail["Subject"]
    assert incident["payload"]["custom_details"]["firing"].startswith(f"* Collection {hostile} is odd.")


def test_no_text_in_a_page_is_taken_for_yaml(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    """Alertmanager parses a detail that is rendered, and renders what it finds there once more."""
    texts = ["docs: red", "- {{ fail }}", "{a: {{ b }}}", "[1]", "7", "# none", "a: b\nc: |\n  d", "null"]
    for number, text in enumerate(texts):
        labels = {**QDRANT_DOWN, "alertname": f"Odd{number}"}
        alertmanager.fire(labels, annotations={"summary": text, "description": text})
    poll(lambda: len(sinks.posts_to("/pagerduty")) == len(texts), "every page")
    details = [body["payload"]["custom_details"] for body in sinks.posts_to("/pagerduty")]
    assert sorted(one["summary"] for one in details) == sorted(f"* {text}" for text in texts)
    assert sorted(one["firing"].partition(" (since")[0] for one in details) == sorted(
        f"* {text}" for text in texts
    )


def test_an_alert_without_annotations_or_severity_is_told_all_the_same(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    alertmanager.fire({"alertname": "MadeByHand"}, annotations={})
    poll(lambda: sinks.attachments() and sinks.mails, "both messages")
    [attachment], [mail] = sinks.attachments(), sinks.mails
    assert attachment["title"] == "[FIRING:1] MadeByHand"
    assert attachment["color"] == "warning"
    assert ":red_circle: MadeByHand" in attachment["text"]
    assert "`" not in attachment["text"]
    all_alerts = "http://alerts.example.net:9093/#/alerts?receiver=slack-alerts"
    buttons = [(button["text"], button["url"]) for button in attachment["actions"]]
    assert buttons[:2] == [("Runbook", all_alerts), ("All alerts", all_alerts)]
    assert "Dashboard" not in attachment["text"] + part(mail, "plain") + part(mail, "html")
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
    alertmanager.fire_each(
        [(alert, {**ANNOTATIONS, "dashboard_url": open_dashboard(alert["instance"])}) for alert in storm],
        starts_at=datetime.now(UTC),
    )
    poll(lambda: sinks.attachments() and sinks.mails, "both messages")
    [attachment] = sinks.attachments()
    assert attachment["title"] == "[FIRING:25] TargetDown (warning)"
    assert attachment["text"].count(":red_circle:") == 10
    assert "… and 15 more" in attachment["text"]
    assert all(alert["instance"] in part(sinks.mails[0], "plain") for alert in storm)
    # Each alert opens its own; the button opens what they have in common.
    links = [open_dashboard(alert["instance"]) for alert in storm]
    shown = [f"<{link.replace('&', '&amp;')}|Dashboard>" for link in links[:10]]
    assert all(link in attachment["text"] for link in shown)
    assert all(f"Dashboard: {link}" in part(sinks.mails[0], "plain") for link in links)
    button = attachment["actions"][1]
    assert (button["text"], button["url"]) == ("Dashboard", "http://127.0.0.1:3000/d/vw-monitoring")


def test_what_still_burns_stands_before_what_is_over(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    storm = [
        {"alertname": "TargetDown", "severity": "critical", "instance": f"host-{n:02}"} for n in range(24)
    ]
    alertmanager.fire(*storm, starts_at=datetime.now(UTC))
    poll(lambda: sinks.attachments() and sinks.mails, "the storm")
    alertmanager.resolve(*storm[:12])

    def calmer() -> bool:
        return any("[FIRING:12]" in one["title"] for one in sinks.attachments()) and any(
            "[FIRING:12]" in mail["Subject"] for mail in sinks.mails
        )

    poll(calmer, "half of it over")
    text = next(one["text"] for one in sinks.attachments() if "[FIRING:12]" in one["title"])
    mail = next(mail for mail in sinks.mails if "[FIRING:12]" in mail["Subject"])
    for shown in (text, part(mail, "plain"), part(mail, "html")):
        found = list(dict.fromkeys(re.findall(r"instance ?= ?(host-\d+)", shown)))
        assert found[:10] == [f"host-{n}" for n in range(12, 22)]
        assert "host-00" in found
    assert text.count(":red_circle:") == 10
    assert text.count("… and 2 more") == 2  # of each


def open_dashboard(instance: str) -> str:
    return (
        f"http://127.0.0.1:3000/d/vw-monitoring?var-job=node-exporter&var-instance={quote(instance, safe='')}"
    )


def test_a_great_storm_is_still_one_short_message_in_every_channel(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    storm = [
        {
            "alertname": "CollectionRed",
            "severity": "critical",
            "job": f"job-{n % 7}",
            "instance": f"q-{n:04}:6333",
        }
        for n in range(2000)
    ]
    alertmanager.fire(
        *storm, annotations={**ANNOTATIONS, "description": "long " * 1000}, starts_at=datetime.now(UTC)
    )
    title = "[FIRING:2000] CollectionRed (critical)"

    # So many may still be coming in when the first message leaves; the next has all.
    def whole() -> tuple[list[Any], list[EmailMessage], list[Any]]:
        return (
            [one for one in sinks.attachments() if one["title"] == title],
            [mail for mail in sinks.mails if mail["Subject"] == title],
            [body for body in sinks.posts_to("/pagerduty") if body["payload"]["summary"] == title],
        )

    poll(lambda: all(whole()), "all messages")
    [attachment, *_], [mail, *_], [incident, *_] = whole()
    assert "… and 1990 more" in attachment["text"]
    assert len(attachment["text"]) < 12_000
    assert "… and 1980 more" in incident["payload"]["custom_details"]["firing"]
    for subtype in ("plain", "html"):
        assert "… and 1900 more" in part(mail, subtype)


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
    info = {"alertname": "CacheRestarted", "severity": "info"}
    warning = {"alertname": "TargetDown", "severity": "warning"}
    alertmanager.fire(QDRANT_DOWN, info, warning)
    poll(lambda: len(sinks.posts_to("/services/T0/B0/X0")) == 3, "all messages at the new place")
    assert sinks.posts_to("/slack") == []


def test_each_slack_channel_can_have_a_url_of_its_own(
    alertmanager: Alertmanager, sinks: Any, folder: Path, repository: Path, poll: Callable[..., None]
) -> None:
    for name in ("slack_url", "slack_on_call_url"):
        (folder / "secrets" / name).write_text(f"http://127.0.0.1:{sinks.http_port}/{name}\n")
    subprocess.run([str(repository / "scripts" / "default-receivers"), str(folder)], check=True)
    info = {"alertname": "CacheRestarted", "severity": "info"}
    alertmanager.fire(QDRANT_DOWN, info, {"alertname": "TargetDown", "severity": "warning"})
    poll(lambda: len(sinks.posts_to("/slack_url")) == 2, "warning and info")
    poll(lambda: len(sinks.posts_to("/slack_on_call_url")) == 1, "critical")
    assert sinks.posts_to("/slack") == []


def test_causes_silence_their_symptoms_and_nothing_else(
    alertmanager: Alertmanager, poll: Callable[..., None]
) -> None:
    low = {"alertname": "RecallLow", "component": "hnsw", "job": "hnsw-probe", "instance": "qdrant:6333"}
    elsewhere = {**low, "instance": "other:6333"}
    cache = {"component": "cache", "severity": "critical"}
    app = {"component": "app", "severity": "critical", "job": "app", "instance": "rag-api:8000"}
    inhibited = [
        {**elsewhere, "collection": "docs", "k": "10", "severity": "warning"},
        {**low, "collection": "docs", "k": "10", "severity": "critical"},
        {**cache, "alertname": "CacheMemoryHigh", "instance": "dragonfly:6379"},
        {**app, "alertname": "HttpErrorsHigh"},
        {"alertname": "TargetDown", "severity": "warning", "job": "qdrant", "instance": "qdrant:6333"},
        {
            "alertname": "TargetUnreadable",
            "severity": "warning",
            "job": "hnsw-probe",
            "instance": "qdrant:6333",
        },
    ]
    untouched = [
        {**elsewhere, "collection": "docs", "k": "10", "severity": "critical"},
        {**elsewhere, "collection": "docs", "k": "100", "severity": "warning"},
        {**elsewhere, "collection": "other", "k": "10", "severity": "warning"},
        {**elsewhere, "collection": "docs", "vector": "title", "k": "10", "severity": "warning"},
        {**elsewhere, "collection": "docs", "filter": "recent", "k": "10", "severity": "warning"},
        QDRANT_DOWN,
        {**cache, "alertname": "CacheDown", "instance": "dragonfly:6379"},
        {**cache, "alertname": "CacheMemoryHigh", "instance": "other:6379"},
        {**cache, "alertname": "CacheMemoryHigh"},
        {**app, "alertname": "ServiceDown"},
        {**app, "alertname": "HttpErrorsHigh", "instance": "rag-api-2:8000"},
        {**app, "alertname": "HttpErrorsHigh", "job": "other"},
        {"alertname": "ServiceDown", "severity": "critical"},
        {"alertname": "HttpErrorsHigh", "severity": "critical"},
        {"alertname": "TargetDown", "severity": "warning", "job": "qdrant", "instance": "other:6333"},
        {"alertname": "TargetDown", "severity": "warning", "job": "node-exporter", "instance": "qdrant:6333"},
        {"alertname": "TargetDown", "severity": "warning", "job": "qdrant"},
    ]
    alertmanager.fire(*inhibited, *untouched)
    poll(lambda: len(alertmanager.inhibited()) >= len(inhibited), "the symptoms inhibited")
    assert sorted_sets(alertmanager.inhibited()) == sorted_sets(inhibited)


# The one inhibited alert that no test of the rules fires: they take another job.
TARGET_DOWN = {"alertname": "TargetDown", "severity": "warning", "component": "monitoring", "job": "qdrant"}

# What one server has several of: one of them says nothing of the others.
APART = {"collection", "endpoint", "mode", "model_name", "mountpoint", "name", "pool", "uuid"}


class TestInhibitions:
    """Every inhibition, with the labels that alerts really carry, on an Alertmanager that tells nobody."""

    @pytest.fixture
    def folder(self, config: Any, tmp_path: Path) -> Path:
        folder = tmp_path / "alertmanager"
        folder.mkdir()
        nobody = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
        text = yaml.safe_dump({**nobody, "inhibit_rules": config["inhibit_rules"]})
        (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
        return folder

    def test_each_cause_silences_its_symptoms_where_it_is_and_nowhere_else(
        self,
        alertmanager: Alertmanager,
        config: Any,
        fired: list[Mapping[str, str]],
        poll: Callable[..., None],
    ) -> None:
        examples = [*fired, {**TARGET_DOWN, "instance": "q:6333"}]
        causes: list[Mapping[str, str]] = []
        symptoms: list[Mapping[str, str]] = []
        elsewhere: list[Mapping[str, str]] = []
        for rule in config["inhibit_rules"]:
            pairs = list(find_pairs(rule, examples))
            named = {name for cause, symptom in pairs for name in (cause["alertname"], symptom["alertname"])}
            assert pairs, f"no alert is silenced by {rule}"
            assert names_in(rule) <= named, rule
            for one, other in pairs:
                cause, symptom = set_apart(one, len(causes)), set_apart(other, len(causes))
                assert APART & one.keys() & other.keys() <= set(rule["equal"]), rule
                same = {label: cause[label] for label in rule["equal"] if label in cause}
                causes.append(cause)
                symptoms.append({**symptom, **same})
                elsewhere += [
                    {**symptom, **same, label: f"other-{len(causes)}"}
                    for label in same
                    if label != "alertname"
                ]
        alertmanager.fire(*causes, *symptoms, *elsewhere)
        poll(lambda: len(alertmanager.inhibited()) >= len(symptoms), "the symptoms inhibited")
        assert sorted_sets(alertmanager.inhibited()) == sorted_sets(symptoms)
        assert len(elsewhere) >= len(symptoms)


def set_apart(labels: Mapping[str, str], number: int) -> Mapping[str, str]:
    """Return an alert about a server and a card that no other pair is about."""
    return {
        label: f"{value}-{number}" if label in ("instance", "uuid") else value
        for label, value in labels.items()
    }


def find_pairs(
    rule: Any, examples: Sequence[Mapping[str, str]]
) -> Iterator[tuple[Mapping[str, str], Mapping[str, str]]]:
    """Yield each cause with each symptom of a rule, both as they fire, that can have its labels in common."""
    for cause in (one for one in examples if matches(rule["source_matchers"], one)):
        for symptom in (one for one in examples if matches(rule["target_matchers"], one)):
            same_name = "alertname" not in rule["equal"] or cause["alertname"] == symptom["alertname"]
            if same_name and all((label in cause) == (label in symptom) for label in rule["equal"]):
                yield cause, symptom


def matches(matchers: Sequence[str], labels: Mapping[str, str]) -> bool:
    """Tell whether an alert is meant; which form a matcher has, `amtool check-config` has checked."""
    for matcher in matchers:
        label, sign, wanted = re.split(r"\s*(=~|!~|!=|=)\s*", matcher, maxsplit=1)
        value, wanted = labels.get(label, ""), wanted.strip('"')
        found = bool(re.fullmatch(wanted, value)) if "~" in sign else value == wanted
        if found == sign.startswith("!"):
            return False
    return True


def names_in(rule: Any) -> set[str]:
    """Return the names of alerts that a rule asks for."""
    matchers = [*rule["source_matchers"], *rule["target_matchers"]]
    asked = [one for one in matchers if re.match(r"alertname\s*=", one)]
    return {name for one in asked for name in re.findall(r"[A-Z]\w+", one)}


def sorted_sets(label_sets: Sequence[Mapping[str, str]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted(labels.items()) for labels in label_sets)


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
    list(render_rules(folder, folder / "rules", grafana="https://grafana.example.net"))
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
    runbook, dashboard, _ = (button["url"] for button in told("FIRING")[0]["actions"])
    assert runbook.endswith("/user/runbooks/ServiceDown.md")
    opened = f"/d/vw-performance?var-job=app&var-instance=127.0.0.1%3A{port}"
    assert dashboard == f"https://grafana.example.net{opened}"
    assert "stack=" not in text
    end = f"[RESOLVED] ServiceDown (critical) on 127.0.0.1:{port}"
    poll(lambda: end in [str(mail["Subject"]) for mail in sinks.mails], "its end by mail")


# ── Who is told ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_pager_is_told_once_with_what_one_needs_at_night(
    alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
) -> None:
    alertmanager.fire(QDRANT_DOWN)
    poll(lambda: bool(sinks.posts_to("/pagerduty")), "the incident")
    alertmanager.resolve(QDRANT_DOWN)
    poll(lambda: len(sinks.posts_to("/pagerduty")) > 1, "its end")
    opened, closed = sinks.posts_to("/pagerduty")
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"]
    payload = opened["payload"]
    assert payload["summary"] == "[FIRING:1] QdrantDown (critical) on qdrant:6333"
    shown = {key: payload[key] for key in ("severity", "source", "class", "component")}
    assert shown == {
        "severity": "critical",
        "source": "qdrant:6333",
        "class": "QdrantDown",
        "component": "qdrant",
    }
    details = payload["custom_details"]
    assert details["summary"] == "* Qdrant does not answer."
    assert details["firing"] == (
        "* Qdrant qdrant:6333 has not answered for a minute. (since 2026-01-02 03:04:05 UTC)"
    )
    assert details["resolved"] == "none"
    assert details["runbook"] == ANNOTATIONS["runbook_url"]
    assert details["dashboard"] == ANNOTATIONS["dashboard_url"]
    assert [(link["text"], link["href"]) for link in opened["links"]] == [
        ("Runbook", ANNOTATIONS["runbook_url"]),
        ("Dashboard", ANNOTATIONS["dashboard_url"]),
        ("Silence", SILENCE),
    ]


def test_the_log_keeps_everything_and_its_end(
    alertmanager: Alertmanager, sinks: Any, folder: Path, poll: Callable[..., None]
) -> None:
    (folder / "secrets" / "log_url").write_text(f"http://127.0.0.1:{sinks.http_port}/log\n")
    alerts = [QDRANT_DOWN, {"alertname": "A", "severity": "info"}, {"alertname": "B"}]
    alertmanager.fire(*alerts)
    poll(lambda: len(sinks.posts_to("/log")) == 3, "every severity")
    for alert in alerts:
        alertmanager.resolve(alert)
    ended = {"QdrantDown", "A", "B"}

    def told() -> set[str]:
        return {
            body["groupLabels"]["alertname"]
            for body in sinks.posts_to("/log")
            if body["status"] == "resolved"
        }

    poll(lambda: told() == ended, "every end")


class TestOutOfHours:
    """A night, whenever the test runs."""

    @pytest.fixture
    def folder(self, repository: Path, tmp_path: Path, copy: Callable[..., Path], sinks: Any) -> Path:
        addresses = {
            "inbox:9446": f"127.0.0.1:{sinks.http_port}",
            "inbox:1025": f"127.0.0.1:{sinks.smtp_port}",
        }
        folder = copy(repository / "alertmanager", tmp_path / "alertmanager", FAST | NEVER | addresses)
        (folder / "secrets").mkdir()
        subprocess.run([str(repository / "scripts" / "default-receivers"), str(folder)], check=True)
        return folder

    def test_a_ticket_waits_for_business_hours_and_a_page_does_not(
        self, alertmanager: Alertmanager, sinks: Any, poll: Callable[..., None]
    ) -> None:
        alertmanager.fire({"alertname": "TargetDown", "severity": "warning", "instance": "a:1"})
        poll(lambda: bool(sinks.attachments()), "the warning in Slack, where it wakes nobody")
        alertmanager.fire(QDRANT_DOWN)
        poll(lambda: bool(sinks.mails), "the page by mail")
        assert [str(mail["Subject"]).split()[1] for mail in sinks.mails] == ["QdrantDown"]
        assert [mail["title"].split()[1] for mail in sinks.attachments()][:1] == ["TargetDown"]


# ── What holds for every alert ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def config(repository: Path) -> Any:
    return yaml.safe_load((repository / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def fired(repository: Path) -> list[Mapping[str, str]]:
    """Return every alert that fires in the tests of the rules, by name, severity and job."""
    found: dict[tuple[str, ...], Mapping[str, str]] = {}
    for path in sorted((repository / "prometheus" / "tests").glob("*_test.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in group.get("alert_rule_test", ()):
                for alert in case.get("exp_alerts") or ():
                    labels = {name: str(value) for name, value in alert["exp_labels"].items()}
                    key = (case["alertname"], labels["severity"], labels.get("job", ""), *sorted(labels))
                    found.setdefault(key, {"alertname": case["alertname"], **labels})
    return list(found.values())


@pytest.fixture(scope="session")
def labels_by_alert(fired: list[Mapping[str, str]]) -> Mapping[str, set[str]]:
    """Return the labels that each alert carries in the tests of the rules."""
    found: dict[str, set[str]] = {}
    for labels in fired:
        found.setdefault(labels["alertname"], set()).update(labels)
    return found


def test_every_alert_has_a_line_that_says_whom_it_reaches(repository: Path, rules: list[Any]) -> None:
    rows = yaml.safe_load((repository / "alertmanager" / "tests" / "routes.yml").read_text(encoding="utf-8"))
    lines = {(row["labels"]["alertname"], row["labels"].get("severity")) for row in rows}
    alerts = {(rule.name, rule.body["labels"]["severity"]) for rule in rules if rule.is_alert}
    assert alerts - lines == set()


def test_every_severity_has_its_channels(repository: Path) -> None:
    rows = yaml.safe_load((repository / "alertmanager" / "tests" / "routes.yml").read_text(encoding="utf-8"))
    channels = {
        "critical": ["log", "pager", "webhook", "slack-on-call", "email"],
        "warning": ["log", "slack-alerts", "email"],
        "info": ["log", "slack-info"],
    }
    for row in rows:
        severity = row["labels"].get("severity", "warning")
        if severity in channels:
            assert row["receivers"] == channels[severity], row["labels"]


def test_a_critical_alert_silences_only_the_warning_about_the_same_thing(
    config: Any, rules: list[Any], labels_by_alert: Mapping[str, set[str]]
) -> None:
    """A label that tells two things apart and is not named would let one silence the other."""
    first = config["inhibit_rules"][0]
    severities: dict[str, set[str]] = {}
    for rule in rules:
        if rule.is_alert:
            severities.setdefault(rule.name, set()).add(rule.body["labels"]["severity"])
    for name, found in severities.items():
        if len(found) > 1 and "critical" in found:
            missing = labels_by_alert[name] - {*first["equal"], "alertname", "severity", "component"}
            assert missing == set(), f"{name}: add them to the first inhibit rule"


def test_no_inhibition_rests_on_labels_that_both_sides_may_lack(config: Any) -> None:
    for rule in config["inhibit_rules"][1:]:
        asked = " ".join(rule["source_matchers"])
        assert rule["equal"], "it would silence everywhere"
        for label in rule["equal"]:
            assert f'{label} =~ ".+"' in asked, rule


def test_every_name_in_an_inhibition_is_an_alert_of_ours(config: Any, rules: list[Any]) -> None:
    names = {rule.name for rule in rules if rule.is_alert}
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            if matcher.startswith("alertname"):
                for name in re.findall(r"[A-Z]\w+", matcher):
                    assert name in names, matcher


def test_every_receiver_tells_the_end_except_the_dead_mans_switch(repository: Path) -> None:
    config = yaml.safe_load((repository / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    told = {
        receiver["name"]: integration["send_resolved"]
        for receiver in config["receivers"]
        for kind, integrations in receiver.items()
        if kind.endswith("_configs")
        for integration in integrations
    }
    assert {name for name, resolved in told.items() if not resolved} == {"watchdog"}
    assert set(told) == {
        *("pager", "webhook", "slack-on-call", "slack-alerts", "slack-info", "email", "log", "watchdog")
    }


def test_no_secret_can_enter_git(repository: Path) -> None:
    for name in ("slack_url", "smtp_password", "watchdog_url", "pagerduty_routing_key"):
        command = ["git", "check-ignore", "-q", f"alertmanager/secrets/{name}"]
        assert subprocess.run(command, cwd=repository).returncode == 0, name

"""Entries as the inbox writes them now, one document an alert."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.logs.pipeline.mapping import find_faults
from tests.logs.pipeline.model import ROOT, Event, Model
from vectorwatch.inbox.entry import Draft, Head, write_line
from vectorwatch.inbox.mail import parse_mail
from vectorwatch.inbox.notification import Notification
from vectorwatch.inbox.slack import parse_slack
from vectorwatch.inbox.webhook import parse_webhook

FIXTURES = ROOT / "tests" / "unit" / "inbox" / "fixtures"
RECEIVED = datetime(2024, 11, 27, 6, 14, 31, 250_000, tzinfo=UTC)


def run(model: Model, notification: Notification, duplicate_of: int | None = None) -> list[dict[str, Any]]:
    head = Head(7, RECEIVED, notification.channel, duplicate_of, notification.group, notification.digest)
    line = write_line(head, Draft.of(notification)).decode()
    place = {"offset": 0, "inode": "1", "file": {"path": "/var/lib/vectorwatch/inbox/1.jsonl"}}
    fields = {"message": line, "fields": {"log_type": "alerts"}, "log": place}
    documents = model.run(
        Event({"@timestamp": "2024-11-28T00:00:00.000Z", **fields}, {"arrived_by": "beats"})
    )
    assert [find_faults(document.fields) for document in documents] == [[]] * len(documents)
    assert {document.metadata["index"] for document in documents} <= {"logs-alerts-default"}
    assert len({document.metadata["id"] for document in documents}) == len(documents)
    return [document.fields for document in documents]


def read(name: str) -> bytes:
    (path,) = FIXTURES.glob(f"alertmanager-*/{name}")
    return Path(path).read_bytes()


def test_each_alert_of_a_webhook_is_a_document(main: Model) -> None:
    payload = json.loads(read("webhook.json"))
    firing = payload["alerts"][0] | {"status": "firing", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f"}
    payload["alerts"].append(firing)
    first, second = run(main, parse_webhook(json.dumps(payload).encode()))
    assert first["@timestamp"] == second["@timestamp"] == "2024-11-27T06:14:31.250Z"
    assert (first["alert"]["status"], second["alert"]["status"]) == ("resolved", "firing")
    assert (first["log"]["level"], second["log"]["level"]) == ("info", "critical")
    assert second["alert"]["labels"] == firing["labels"]
    assert second["alert"]["summary"] == firing["annotations"]["summary"]
    assert "ends_at" not in second["alert"], "Alertmanager's year 1 is no time"
    assert first["event"]["id"] != second["event"]["id"]


def test_slack_and_mail_name_their_alerts_too(main: Model) -> None:
    (slack,) = run(main, parse_slack(read("slack.json")))
    mails = run(main, parse_mail(read("email.eml")))
    assert slack["alert"]["channel"] == "slack"
    assert {mail["alert"]["channel"] for mail in mails} == {"email"}
    assert slack["alert"]["name"] == mails[0]["alert"]["name"]


def test_a_message_without_an_alert_is_one_document(main: Model) -> None:
    (document,) = run(main, parse_slack(b'{"text":"deploy of 1.2 begins"}'))
    assert document["message"] == "deploy of 1.2 begins"
    assert "name" not in document["alert"]


def test_a_repeated_notification_is_dropped_and_counted(main: Model) -> None:
    before = main.dropped["drop_repeated_notifications"]
    assert run(main, parse_slack(read("slack.json")), duplicate_of=6) == []
    assert main.dropped["drop_repeated_notifications"] == before + 1


def test_a_thousand_alerts_become_a_thousand_documents(main: Model) -> None:
    payload = json.loads(read("webhook.json"))
    payload["alerts"] = [
        payload["alerts"][0] | {"labels": {"alertname": f"A{number}"}} for number in range(1000)
    ]
    assert len(run(main, parse_webhook(json.dumps(payload).encode()))) == 1000

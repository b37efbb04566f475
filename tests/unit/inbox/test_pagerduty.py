from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.inbox.notification import RefusedError, Status
from vectorwatch.inbox.page.webhook import render_webhook
from vectorwatch.inbox.pagerduty import parse_pagerduty

# The form is that of Alertmanager 0.33.1, tests/config/test_alertmanager.py has it from there.
EVENT: dict[str, Any] = {
    "routing_key": "s3cret",
    "dedup_key": "4f1c",
    "event_action": "trigger",
    "payload": {
        "summary": "[FIRING:1] QdrantDown (critical) on qdrant:6333",
        "source": "qdrant:6333",
        "severity": "critical",
        "class": "QdrantDown",
        "custom_details": {"firing": "1\nIt does not <b>answer</b>.", "resolved": "0", "runbook": ""},
    },
    "client_url": "http://alertmanager/#/alerts",
    "links": [{"href": "http://prometheus/runbook", "text": "Runbook"}],
}


def parse(**changes: Any) -> Any:
    return parse_pagerduty(json.dumps({**EVENT, **changes}).encode())


def test_an_event_is_kept_without_its_key() -> None:
    notification = parse()
    assert (notification.status, notification.severity) == (Status.FIRING, "critical")
    assert notification.title == "[FIRING:1] QdrantDown (critical) on qdrant:6333"
    [alert] = notification.alerts
    assert (alert.name, alert.labels["instance"]) == ("QdrantDown", "qdrant:6333")
    assert "s3cret" not in json.dumps(notification.as_record())


def test_an_end_says_so() -> None:
    assert parse(event_action="resolve").status is Status.RESOLVED
    assert parse(event_action="resolve", payload={}).title == "4f1c"
    assert parse().group == parse(event_action="resolve").group


@pytest.mark.parametrize("changes", [{"event_action": "shout"}, {"event_action": []}, {"payload": "x"}])
def test_what_is_no_event_is_refused_with_one_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=r"must be .+\.$"):
        parse(**changes)


def test_the_page_shows_details_and_links_and_no_markup_of_theirs() -> None:
    notification = parse()
    page = str(render_webhook(notification.as_record()))
    assert "Pager: [FIRING:1] QdrantDown" in page
    assert "<b>answer" not in page
    assert 'href="http://prometheus/runbook"' in page


def test_it_is_answered_as_pagerduty_does(serve_inbox: Callable[..., Any]) -> None:
    inbox = serve_inbox()
    answer = inbox.post("/pagerduty", EVENT)
    assert (answer.status_code, answer.json()["status"]) == (202, "success")
    assert inbox.client.post("/pagerduty", content=b"{}").status_code == 400
    [entry] = inbox.listed()
    assert (entry["channel"], entry["status"]) == ("webhook", "firing")

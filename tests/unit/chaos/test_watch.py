"""The alerts of a server of the test: which began, fired and were told while somebody watched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from tests.chaos.trial import Expected
from tests.chaos.watch import Watch
from tests.smoke.project import Project
from tests.smoke.stage import Stage
from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.prometheus_api import PrometheusApi

DOWN = Expected("TargetDown", "warning", 'up{job="inbox"}', {"job": "inbox"})


@dataclass
class Answers:
    """What the server says of alerts and of notifications."""

    url: str = ""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Place:
    """A project of which only the address is asked."""

    address: str

    def url(self, service: str) -> str:
        """Return where any service is."""
        return self.address


@pytest.fixture
def answers() -> Iterator[Answers]:
    told = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_inbox = self.path.startswith("/api/notifications")
            body = json.dumps(told.notifications if is_inbox else {"data": {"alerts": told.alerts}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


@pytest.fixture
def stage(answers: Answers) -> Iterator[Stage]:
    prometheus, inbox = PrometheusApi(answers.url), InboxApi(answers.url)
    yield Stage(cast("Project", Place(answers.url)), [], [], [], prometheus, inbox)
    prometheus.close()
    inbox.close()


def make_alert(job: str, state: str = "pending", alert: str = "TargetDown") -> dict[str, Any]:
    labels = {"alertname": alert, "severity": "warning", "job": job}
    return {"labels": labels, "state": state, "activeAt": datetime.now(UTC).isoformat()}


def test_an_alert_begins_fires_and_is_told(answers: Answers, stage: Stage) -> None:
    watch = Watch(stage)
    watch.look()
    assert watch.list_seen() == []
    answers.alerts = [make_alert("inbox"), make_alert("status")]
    watch.look()
    seen = watch.find(DOWN)
    assert seen is not None
    assert asdict(seen) | {"fired_seconds": None, "told_seconds": None} == asdict(seen)
    assert seen.title == "TargetDown (pending)"
    answers.alerts = [make_alert("inbox", "firing")]
    watch.look()
    assert (seen.fired_seconds is None, seen.told_seconds is None) == (False, True)
    told = {"id": 1, "status": "firing", "severity": "warning", "alerts": [{"name": "TargetDown"}]}
    answers.notifications = [told]
    watch.look()
    assert (seen.told_seconds is None, seen.title) == (False, "TargetDown")


def test_what_was_there_before_and_watchdog_do_not_count(answers: Answers, stage: Stage) -> None:
    answers.alerts = [make_alert("inbox")]
    watch = Watch(stage)
    answers.alerts.append(make_alert("none", alert="Watchdog"))
    watch.look()
    assert watch.list_seen() == []


def test_a_server_that_does_not_answer_has_nothing_new(answers: Answers, stage: Stage) -> None:
    watch = Watch(stage)
    answers.alerts = [{"labels": {}}]
    answers.url = ""
    silent = Stage(cast("Project", Place("http://127.0.0.1:9")), [], [], [], stage.prometheus, stage.inbox)
    quiet = Watch(silent)
    quiet.look()
    assert quiet.list_seen() == []
    assert watch.seconds() >= 0

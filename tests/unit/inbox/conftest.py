"""A running inbox, the messages that senders send, and a journal in a folder."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from vectorwatch.inbox.entry import Draft
from vectorwatch.inbox.journal import Journal
from vectorwatch.inbox.service import build_app
from vectorwatch.inbox.settings import InboxSettings
from vectorwatch.inbox.slack import parse_slack
from vectorwatch.serve.server import listen
from vectorwatch.settings import load


@dataclass
class Inbox:
    """An inbox and how to talk to it; `program` is its process, unless it is this one."""

    url: str
    smtp_port: int
    data: Path
    program: Any
    client: httpx.Client

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.program.text().splitlines() if line.startswith("{")]

    def post(self, path: str, content: Any) -> httpx.Response:
        return self.client.post(path, json=content)

    def send_mail(self, message: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as server:
            server.send_message(message, "alertmanager@example.com", ["oncall@example.com"])

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get("/api/notifications", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def metric(self, name: str, **labels: str) -> float | None:
        written = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        series = f"{name}{{{written}}}" if written else name
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"{series} "):
                return float(line.rpartition(" ")[2])
        return None


@pytest.fixture
def start_inbox(
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> Iterator[Callable[..., Inbox]]:
    """Start inboxes as a user does: `start_inbox(data=folder, MAX_MESSAGE_BYTES="2048")`."""
    with ExitStack() as stack:

        def start(data: Path | None = None, prefix: tuple[str, ...] = (), **settings: str) -> Inbox:
            port, smtp_port = free_port(), free_port()
            folder = data or tmp_path / "journal"
            chosen = {"PORT": str(port), "SMTP_PORT": str(smtp_port), "DATA": str(folder)} | settings
            url = f"http://127.0.0.1:{port}"
            program = start_program(
                [*prefix, *vectorwatch_command, "inbox"],
                ready_url=f"{url}/healthz",
                env={f"VECTORWATCH_INBOX_{name}": value for name, value in chosen.items()},
            )
            client = stack.enter_context(httpx.Client(base_url=url, timeout=30, trust_env=False))
            return Inbox(url, smtp_port, folder, program, client)

        yield start


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Open journals that are closed with the test."""
    with ExitStack() as stack:

        def start(folder: Path | None = None, max_bytes: int = 1 << 20, **options: Any) -> Journal:
            journal = Journal.open(folder or tmp_path / "journal", max_bytes, **options)
            stack.callback(journal.close)
            return journal

        yield start


@pytest.fixture
def serve_inbox(
    open_journal: Callable[..., Journal],  # before `serve`, so that it is closed after it
    serve: Callable[[FastAPI], str],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> Iterator[Callable[..., Inbox]]:
    """Start inboxes in this process, which takes a tenth of the time: `serve_inbox(port=4711)`."""
    with ExitStack() as stack:

        def start(data: Path | None = None, **settings: Any) -> Inbox:
            port = free_port()
            chosen = {"smtp_port": port, "data": data or tmp_path / "journal"} | settings
            environ = {f"VECTORWATCH_INBOX_{name.upper()}": str(value) for name, value in chosen.items()}
            loaded = load(InboxSettings, environ=environ)
            journal = open_journal(loaded.data, loaded.max_journal_bytes)
            url = serve(build_app(loaded, journal, listen("127.0.0.1", port, "")))
            client = stack.enter_context(httpx.Client(base_url=url, timeout=30, trust_env=False))
            return Inbox(url, port, loaded.data, None, client)

        yield start


@pytest.fixture
def inbox(serve_inbox: Callable[..., Inbox]) -> Inbox:
    """An inbox with default settings in this process."""
    return serve_inbox()


@pytest.fixture
def draft() -> Callable[[str], Draft]:
    """Make what the journal stores out of a text."""
    return lambda text: Draft.of(parse_slack(json.dumps({"text": text}).encode()))


@pytest.fixture
def webhook_payload() -> dict[str, Any]:
    """What Alertmanager 0.33.1 sent for a resolved alert."""
    path = Path(__file__).parent / "fixtures" / "alertmanager-0.33.1" / "webhook.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture
def slack_payload() -> dict[str, Any]:
    """What Alertmanager 0.33.1 sent to Slack."""
    path = Path(__file__).parent / "fixtures" / "alertmanager-0.33.1" / "slack.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture
def alertmanager_mail() -> bytes:
    """The mail that Alertmanager 0.33.1 sent."""
    return (Path(__file__).parent / "fixtures" / "alertmanager-0.33.1" / "email.eml").read_bytes()

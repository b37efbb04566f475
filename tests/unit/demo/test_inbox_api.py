from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.ports import HOST, find_free_ports


@pytest.fixture
def url(start_program: Callable[..., object], vectorwatch_command: list[str], tmp_path: Path) -> str:
    """The address of a real inbox."""
    port, smtp_port = find_free_ports(2)
    environment = {
        "VECTORWATCH_INBOX_PORT": str(port),
        "VECTORWATCH_INBOX_SMTP_PORT": str(smtp_port),
        "VECTORWATCH_INBOX_DATA": str(tmp_path / "inbox"),
    }
    start_program([*vectorwatch_command, "inbox"], ready_url=f"http://{HOST}:{port}/readyz", env=environment)
    return f"http://{HOST}:{port}"


@pytest.fixture
def inbox(url: str) -> Iterator[InboxApi]:
    api = InboxApi(url)
    yield api
    api.close()


def post_slack(url: str, title: str, text: str = "The cache does not answer.") -> None:
    payload = {"attachments": [{"title": title, "text": text}]}
    httpx.post(f"{url}/slack", json=payload, trust_env=False, timeout=60).raise_for_status()


def test_an_empty_inbox_has_no_last_id(inbox: InboxApi) -> None:
    assert inbox.read_last_id() == 0
    assert not inbox.has_arrived("slack", "firing", "CacheDown", since=0)


def test_a_message_is_found_by_channel_status_and_alert(inbox: InboxApi, url: str) -> None:
    post_slack(url, "[FIRING:1] CacheDown (critical) on 127.0.0.1:6379")
    assert inbox.has_arrived("slack", "firing", "CacheDown", since=0)
    assert not inbox.has_arrived("email", "firing", "CacheDown", since=0)
    assert not inbox.has_arrived("slack", "resolved", "CacheDown", since=0)
    assert not inbox.has_arrived("slack", "firing", "QdrantDown", since=0)


def test_a_message_of_another_severity_is_not_the_one_that_is_asked_for(inbox: InboxApi, url: str) -> None:
    post_slack(url, "[FIRING:1] CacheMemoryNearLimit (warning) on 127.0.0.1:6379", "`severity=warning`")
    asked = ("slack", "firing", "CacheMemoryNearLimit", 0)
    assert inbox.has_arrived(*asked, severity="warning")
    assert not inbox.has_arrived(*asked, severity="critical")


def test_what_came_before_does_not_count(inbox: InboxApi, url: str) -> None:
    post_slack(url, "[FIRING:1] CacheDown (critical) on 127.0.0.1:6379")
    since = inbox.read_last_id()
    assert since > 0
    assert not inbox.has_arrived("slack", "firing", "CacheDown", since)
    post_slack(url, "[RESOLVED] CacheDown (critical) on 127.0.0.1:6379")
    assert inbox.has_arrived("slack", "resolved", "CacheDown", since)

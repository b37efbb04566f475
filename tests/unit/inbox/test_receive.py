from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import Request

from vectorwatch.inbox.notification import RefusalReason, RefusedError
from vectorwatch.inbox.receive import read_body

LIMIT = 20_000


@pytest.fixture
def inbox(serve_inbox: Callable[..., Any]) -> Any:
    return serve_inbox(max_message_bytes=LIMIT)


def test_a_webhook_is_stored_before_its_id_is_answered(inbox: Any, webhook_payload: dict[str, Any]) -> None:
    answer = inbox.post("/webhook", webhook_payload)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    stored = inbox.client.get(f"/api/notifications/{answer.json()['id']}").json()
    assert stored["raw"] == webhook_payload
    (path,) = inbox.data.glob("*.jsonl")
    assert json.loads(path.read_text(encoding="ascii")) == stored


def test_a_slack_message_is_answered_as_slack_does(inbox: Any, slack_payload: dict[str, Any]) -> None:
    as_json = inbox.post("/slack", slack_payload)
    form = {"content-type": "application/x-www-form-urlencoded"}
    as_form = inbox.client.post(
        "/slack", content=urlencode({"payload": json.dumps(slack_payload)}), headers=form
    )
    assert [(answer.status_code, answer.text) for answer in (as_json, as_form)] == [(200, "ok"), (200, "ok")]
    first, second = inbox.listed()
    assert (first["duplicate_of"], second["duplicate_of"]) == (None, first["id"])
    assert inbox.metric("inbox_repeats_total", channel="slack") == 1
    assert inbox.metric("inbox_notifications_total", channel="slack", status="firing") == 2


@pytest.mark.parametrize("path", ["/webhook", "/slack"])
def test_bad_input_is_refused_with_one_sentence_and_stores_nothing(inbox: Any, path: str) -> None:
    for body in (b"", b"<html></html>", b"{", b"[]", b"{}", b"\xff", b"payload=%7B", b'{"a":' + b"[" * 9999):
        answer = inbox.client.post(path, content=body)
        assert answer.status_code == 400
        assert answer.text.count("\n") == 1
        assert answer.text.endswith(".\n")
    assert inbox.listed() == []
    channel = path.removeprefix("/")
    refused = [
        inbox.metric("inbox_refused_total", channel=channel, reason=why)
        for why in ("not_json", "wrong_shape")
    ]
    assert sum(refused) == 8


def test_a_body_above_the_limit_is_refused_whether_announced_or_not(inbox: Any) -> None:
    body = json.dumps({"text": "x" * LIMIT}).encode()
    announced = inbox.client.post("/slack", content=body)
    streamed = inbox.client.post("/slack", content=iter([body[:9000], body[9000:]]))
    for answer in (announced, streamed):
        assert (answer.status_code, answer.text) == (413, f"The body is larger than {LIMIT} bytes.\n")
    assert inbox.listed() == []
    assert inbox.metric("inbox_refused_total", channel="slack", reason="too_large") == 2


def test_a_web_page_of_another_host_cannot_post(inbox: Any) -> None:
    content = json.dumps({"text": "x"})
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": inbox.url.replace("127.0.0.1", "localhost")},
        {"sec-fetch-site": "cross-site"},
    ):
        answer = inbox.client.post("/slack", content=content, headers=headers)
        assert (answer.status_code, answer.text) == (
            403,
            "Requests of web pages from other hosts are refused.\n",
        )
        assert "access-control-allow-origin" not in answer.headers
    assert inbox.listed() == []
    assert inbox.client.post("/slack", content=content, headers={"origin": inbox.url}).status_code == 200


def test_a_body_that_does_not_come_holds_up_nobody(inbox: Any) -> None:
    port = int(inbox.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
        slow.sendall(b"POST /slack HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{")
        assert inbox.post("/slack", {"text": "fast"}).status_code == 200
        slow.sendall(b'"text":"late"}')
        assert slow.recv(4096).startswith(b"HTTP/1.1 200")
    assert [entry["text"] for entry in inbox.listed()] == ["fast", "late"]


async def test_a_body_that_takes_too_long_is_refused() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(RefusedError) as caught:
        await read_body(request, LIMIT, 0.01)
    assert caught.value.reason is RefusalReason.TIMEOUT


def test_other_methods_and_paths_are_not_found(inbox: Any) -> None:
    assert inbox.client.get("/webhook").status_code == 405
    assert inbox.client.post("/api/notifications").status_code == 405
    assert inbox.client.get("/nothing").status_code == 404

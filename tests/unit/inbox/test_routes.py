from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest


def test_the_list_is_by_rising_id_and_without_raw(inbox: Any, webhook_payload: dict[str, Any]) -> None:
    inbox.post("/slack", {"text": "one"})
    inbox.post("/webhook", webhook_payload)
    first, second = inbox.listed()
    assert first["id"] < second["id"]
    assert second == {
        "id": second["id"],
        "received_at": second["received_at"],
        "duplicate_of": None,
        "channel": "webhook",
        "status": "resolved",
        "title": "CacheDown",
        "text": "The cache at 127.0.0.1:6379 is down",
        "severity": "critical",
        "alerts": [
            {"name": "CacheDown", "status": "resolved", "labels": webhook_payload["alerts"][0]["labels"]}
        ],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", second["received_at"])


def test_following_by_since_misses_nothing(inbox: Any) -> None:
    for number in range(25):
        inbox.post("/slack", {"text": str(number)})
    seen, since = [], 0
    while entries := inbox.listed(since=since, limit=10):
        seen += [entry["text"] for entry in entries]
        since = entries[-1]["id"]
    assert seen == [str(number) for number in range(25)]
    assert [entry["text"] for entry in inbox.listed(limit=2)] == ["23", "24"]
    assert [entry["text"] for entry in inbox.listed(limit=2, before=since)] == ["22", "23"]


def test_one_channel_can_be_asked_for(inbox: Any, webhook_payload: dict[str, Any]) -> None:
    inbox.post("/slack", {"text": "one"})
    inbox.post("/webhook", webhook_payload)
    assert [entry["channel"] for entry in inbox.listed(channel="slack")] == ["slack"]
    assert inbox.listed(channel="email") == []


@pytest.mark.parametrize(
    "query", ["channel=fax", "since=-1", "since=x", "limit=0", "limit=501", "before=1.5"]
)
def test_a_query_that_means_nothing_is_refused(inbox: Any, query: str) -> None:
    assert inbox.client.get(f"/api/notifications?{query}").status_code in {400, 422}


def test_an_entry_that_is_not_there_is_not_found(inbox: Any) -> None:
    inbox.post("/slack", {"text": "one"})
    for path in (
        "/api/notifications/99",
        "/api/notifications/-1",
        f"/api/notifications/{10**40}",
        "/mail/99",
    ):
        assert inbox.client.get(path).status_code == 404
    assert inbox.client.get(f"/mail/{inbox.listed()[0]['id']}").status_code == 404
    assert inbox.client.get("/api/notifications/x").status_code == 422


def test_half_a_surrogate_pair_breaks_neither_api_nor_page(inbox: Any) -> None:
    body = rb'{"text": "a\ud83d b", "username": "\udc00", "attachments": [{"title": "\ud800"}]}'
    answer = inbox.client.post("/slack", content=body)
    assert answer.status_code == 200
    assert inbox.listed()[0]["text"] == "a\ud83d b"
    assert inbox.client.get("/").status_code == 200
    assert inbox.client.get("/articles?since=0").status_code == 200


def test_the_page_shows_newest_first_in_pages(inbox: Any) -> None:
    for number in range(60):
        inbox.post("/slack", {"text": f"message {number}"})
    path, shown = "/", []
    while path:
        page = inbox.client.get(path).text
        shown += [int(number) for number in re.findall(r"<p>message (\d+)</p>", page)]
        found = re.search(r'href="(/\?before=\d+)">Older', page)
        path = found.group(1) if found else ""
    assert shown == list(range(59, -1, -1))


def test_a_retry_is_shown_once_and_says_so(inbox: Any) -> None:
    for _ in range(3):
        inbox.post("/slack", {"text": "[FIRING:1] CacheDown"})
    inbox.post("/slack", {"text": "[RESOLVED] CacheDown"})
    page = inbox.client.get("/").text
    assert page.count("<article") == 2
    assert page.count("received 3×") == 1
    assert 'data-channel="all">2<' in page
    assert [entry["duplicate_of"] for entry in inbox.listed()] == [None, 1, 1, None]


def test_the_page_is_told_what_is_new_and_what_came_again(inbox: Any) -> None:
    inbox.post("/slack", {"text": "[FIRING:1] A"})
    first = inbox.client.get("/articles?since=0").json()
    assert first["articles"].count("<article") == 1
    assert first["counts"] == {"all": 1, "slack": 1, "email": 0, "webhook": 0}
    assert inbox.client.get(f"/articles?since={first['last_id']}").json()["articles"] == ""
    inbox.post("/slack", {"text": "[FIRING:1] A"})
    inbox.post("/slack", {"text": "[FIRING:1] B"})
    news = inbox.client.get(f"/articles?since={first['last_id']}").json()
    assert re.findall(r'id="n-(\d+)"', news["articles"]) == ["1", "3"]
    assert "received 2×" in news["articles"]
    assert inbox.client.get(f"/articles?since={first['last_id']}&channel=email").json()["articles"] == ""


def test_an_empty_inbox_says_where_to_send_to(serve_inbox: Callable[..., Any]) -> None:
    inbox = serve_inbox(port=4711)
    page = inbox.client.get("/").text
    assert "url: http://127.0.0.1:4711/webhook" in page
    assert f"smarthost: 127.0.0.1:{inbox.smtp_port}" in page


def test_an_entry_of_another_version_does_not_take_the_page_with_it(
    serve_inbox: Callable[..., Any], tmp_path: Any
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    lines = [
        {"id": 1, "received_at": "2026-01-01T00:00:00+00:00", "channel": "pager", "x": "<script>"},
        {
            "id": 2,
            "received_at": "2026-01-01T00:00:00+00:00",
            "channel": "webhook",
            "raw": 7,
            "status": "<b>",
        },
        {"id": 3, "received_at": "2026-01-01T00:00:00+00:00", "channel": "email"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / f"{1:020d}.jsonl").write_text(text, encoding="utf-8")
    inbox = serve_inbox(data=folder)
    page = inbox.client.get("/")
    assert page.status_code == 200
    assert page.text.count("<article") == 3
    assert "<script>&" not in page.text
    assert len(inbox.listed()) == 3
    assert inbox.client.get("/mail/3").status_code in {200, 404}

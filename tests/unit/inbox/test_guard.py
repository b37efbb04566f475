from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.datastructures import Headers

from vectorwatch.inbox.guard import KnownHosts, is_cross_site


@pytest.mark.parametrize(
    ("headers", "cross_site"),
    [
        ({"host": "inbox:9446"}, False),
        ({"host": "inbox:9446", "origin": "http://inbox:9446"}, False),
        ({"host": "inbox:9446", "origin": "http://inbox:9447"}, True),
        ({"host": "inbox:9446", "origin": "http://inbox.evil.example:9446"}, True),
        ({"host": "inbox:9446", "origin": "null"}, True),
        ({"host": "inbox:9446", "origin": ""}, True),
        ({"host": "inbox:9446", "origin": "http://["}, True),
        ({"host": "inbox:9446", "sec-fetch-site": "same-origin"}, False),
        ({"host": "inbox:9446", "sec-fetch-site": "same-site"}, True),
        ({"host": "inbox.evil.example:9446"}, False),
        ({"host": "evil.example", "origin": "http://evil.example"}, True),
        ({"host": "evil.example", "sec-fetch-site": "same-origin"}, True),
        ({"host": "evil.example", "sec-fetch-mode": "cors"}, True),
        ({"host": "proxy.example", "origin": "https://proxy.example"}, False),
        ({"host": "Proxy.Example:8443", "origin": "https://Proxy.Example:8443"}, False),
        ({"host": "proxy.example", "origin": "https://evil.example"}, True),
    ],
)
def test_only_pages_of_this_address_and_programs_may_post(headers: dict[str, str], cross_site: bool) -> None:
    assert is_cross_site(Headers(headers), KnownHosts(["proxy.example"])) is cross_site


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:9446", True),
        ("10.1.2.3", True),
        ("[::1]:9446", True),
        ("[fd00::5]", True),
        ("localhost:9446", True),
        ("inbox", True),
        ("", True),
        ("evil.example", False),
        ("evil.example:9446", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("proxy.example.evil.example", False),
        ("10.1.2", False),
    ],
)
def test_only_a_name_that_nobody_outside_can_own_is_known(host: str, known: bool) -> None:
    assert (host in KnownHosts(["proxy.example"])) is known


PAGES = ("/", "/articles?since=0", "/api/notifications", "/api/notifications/1", "/mail/1", "/openapi.json")


def test_a_name_that_points_here_reads_and_posts_nothing(inbox: Any) -> None:
    evil = {"host": "evil.example", "origin": "http://evil.example"}
    assert inbox.client.post("/slack", json={"text": "x"}, headers=evil).status_code == 403
    assert inbox.metric("inbox_refused_total", channel="slack", reason="cross_site") == 1
    assert inbox.listed() == []
    for path in (*PAGES, "/metrics"):
        assert inbox.client.get(path, headers=evil).status_code == 403, path
    for path in PAGES:  # over plain HTTP browsers send no `Origin` when they read
        answer = inbox.client.get(path, headers={"host": "evil.example:9446"})
        assert answer.status_code == 403, path
        assert answer.text.startswith("This name is unknown here; ")


def test_programs_may_use_any_name_for_what_holds_no_notification(inbox: Any) -> None:
    inside = {"host": "inbox.monitoring.svc:9446"}
    for path in ("/metrics", "/healthz", "/readyz"):
        assert inbox.client.get(path, headers=inside).status_code == 200
    assert inbox.client.post("/slack", json={"text": "x"}, headers=inside).status_code == 200


def test_a_reverse_proxy_works_through_the_setting(serve_inbox: Callable[..., Any]) -> None:
    inbox = serve_inbox(allowed_hosts='["inbox.example.com"]')
    headers = {"host": "inbox.example.com", "origin": "https://inbox.example.com"}
    assert inbox.client.get("/", headers=headers).status_code == 200
    assert inbox.client.post("/slack", json={"text": "x"}, headers=headers).status_code == 200


def test_every_answer_forbids_guessing_loading_and_sharing(inbox: Any) -> None:
    for path in ("/", "/page.css", "/api/notifications", "/metrics", "/healthz", "/nothing", "/mail/1"):
        headers = inbox.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
        assert not [name for name in headers if name.startswith("access-control")]
    assert "unsafe" not in inbox.client.get("/").headers["content-security-policy"]

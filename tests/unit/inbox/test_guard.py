from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import Headers

from vectorwatch.inbox.guard import is_cross_site


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
    ],
)
def test_only_pages_of_this_address_and_programs_may_post(headers: dict[str, str], cross_site: bool) -> None:
    assert is_cross_site(Headers(headers)) is cross_site


def test_every_answer_forbids_guessing_loading_and_sharing(inbox: Any) -> None:
    for path in ("/", "/page.css", "/api/notifications", "/metrics", "/healthz", "/nothing", "/mail/1"):
        headers = inbox.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
        assert not [name for name in headers if name.startswith("access-control")]
    assert "unsafe" not in inbox.client.get("/").headers["content-security-policy"]

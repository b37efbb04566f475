from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.mail import parse_mail
from vectorwatch.inbox.notification import Notification, RefusedError
from vectorwatch.inbox.page.article import render_article
from vectorwatch.inbox.page.document import PAGE_POLICY, View, render_document
from vectorwatch.inbox.page.email import SANDBOX
from vectorwatch.inbox.slack import parse_slack
from vectorwatch.inbox.webhook import parse_webhook

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>"
EVIL_LINK = "javascript:alert(document.domain)"

TAGS = {
    "article",
    "div",
    "span",
    "time",
    "a",
    "h2",
    "h3",
    "h4",
    "dl",
    "dt",
    "dd",
    "p",
    "pre",
    "code",
    "ul",
    "li",
}
TAGS |= {"b", "i", "s", "strong", "blockquote", "svg", "rect", "hr", "iframe", "section"}


class Checker(HTMLParser):
    """Collects links and frames; fails at whatever could run or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.frames: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        given_attributes = dict(attrs)
        assert not [name for name in given_attributes if name.startswith("on") or name in {"style", "srcdoc"}]
        if tag == "a":
            self.links.append(given_attributes["href"] or "")
        if tag == "iframe":
            self.frames.append(given_attributes)


def check(markup: str) -> Checker:
    checker = Checker()
    checker.feed(markup)
    checker.close()
    for address in checker.links:
        assert re.match(r"https?://|mailto:|/api/notifications/\d+$", address), address
    for frame in checker.frames:
        assert frame["sandbox"] == SANDBOX
        assert re.fullmatch(r"/mail/\d+", frame["src"] or "")
    return checker


def record(notification: Notification) -> dict[str, Any]:
    head = {"id": 7, "received_at": "2026-11-22T12:00:00+00:00", "duplicate_of": None}
    return {**head, **json.loads(json.dumps(notification.as_record()))}


def slack(**payload: Any) -> dict[str, Any]:
    return record(parse_slack(json.dumps(payload).encode()))


def test_a_slack_message_looks_like_one(slack_payload: dict[str, Any]) -> None:
    markup = render_article(slack(**slack_payload))
    checker = check(markup)
    assert '<strong>Alertmanager</strong><span class="app">APP</span>' in markup
    assert '<rect width="100%" height="100%" fill="#a30200">' in markup
    assert "http://am:19093/#/alerts?receiver=all" in checker.links
    assert "<b>The cache at 127.0.0.1:6379 is down</b>" in markup
    assert '<span class="badge firing">firing</span>' in markup


def test_everything_that_slack_shows_is_shown() -> None:
    attachment = {
        "author_name": "author",
        "author_link": "https://a.example",
        "title": "*title*",
        "text": "text",
        "pretext": "before",
        "footer": "foot",
        "color": "#36a64f",
        "image_url": "https://i.example/x.png",
        "fields": [{"title": "field", "value": "`value`", "short": True}],
        "actions": [{"text": "Silence", "url": "https://s.example"}],
    }
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Header"}},
        {"type": "divider"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*section*"}, "fields": [{"text": "_f_"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "context"}]},
        {"type": "actions", "elements": [{"text": {"text": "Go"}, "url": "https://go.example"}]},
        {"type": "video"},
    ]
    markup = render_article(slack(text="hi", attachments=[attachment], blocks=blocks), copies=2)
    links = check(markup).links
    for shown in (
        "<b>title</b>",
        "before",
        "foot",
        'fill="#36a64f"',
        "<code>value</code>",
        "<h3>Header</h3>",
    ):
        assert shown in markup
    for shown in ("<hr>", "<b>section</b>", "<i>f</i>", "context", "[video]", "received 3×"):
        assert shown in markup
    expected = {"https://a.example", "https://i.example/x.png", "https://s.example", "https://go.example"}
    assert expected <= set(links)


def test_a_webhook_shows_what_a_person_needs_to_act() -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "RecallLow", "collection": "articles"},
        "annotations": {
            "summary": "Recall is 0.8",
            "description": "See http://d.example",
            "runbook_url": "https://r.example",
            "dashboard_url": "https://g.example/d/vw-hnsw?var-collection=articles",
        },
        "startsAt": "2026-11-22T12:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://p.example/graph",
    }
    payload = {"status": "firing", "alerts": [alert] * 25, "externalURL": "http://am.example"}
    markup = render_article(record(parse_webhook(json.dumps(payload).encode())))
    links = check(markup).links
    assert {"http://d.example", "https://r.example", "http://p.example/graph", "http://am.example"} <= set(
        links
    )
    assert ">Dashboard</a>" in markup
    assert "https://g.example/d/vw-hnsw?var-collection=articles" in links
    assert "<b>collection</b>articles" in markup
    assert "and 5 more alerts" in markup
    assert "since " in markup
    assert "until " not in markup


def test_what_still_burns_stands_before_what_is_over() -> None:
    over = {"status": "resolved", "labels": {"alertname": "Over"}}
    burns = {"status": "firing", "labels": {"alertname": "Burns"}}
    payload = {"status": "firing", "alerts": [over] * 25 + [burns]}
    markup = render_article(record(parse_webhook(json.dumps(payload).encode())))
    assert markup.index("<span>Burns</span>") < markup.index("<span>Over</span>")


def test_a_mail_is_framed_or_shown_as_text(alertmanager_mail: bytes) -> None:
    framed = render_article(record(parse_mail(alertmanager_mail)))
    assert len(check(framed).frames) == 1
    plain = render_article(record(parse_mail(b"Subject: <s>\r\n\r\n<b> & https://a.example")))
    checker = check(plain)
    assert (checker.frames, checker.links[0]) == ([], "https://a.example")
    assert "&lt;b&gt; &amp; " in plain


HOSTILE = [
    slack(text=EVIL, username=EVIL, channel=EVIL),
    slack(text=f"<{EVIL_LINK}|x> <{EVIL_LINK}> *<b>* `{EVIL}` ```{EVIL}```"),
    slack(
        attachments=[
            {
                "title": EVIL, "title_link": EVIL_LINK, "color": '"/><script>', "text": EVIL,
                "author_name": EVIL, "author_link": EVIL_LINK, "image_url": EVIL_LINK,
                "footer": EVIL, "pretext": EVIL,
                "fields": [{"title": EVIL, "value": EVIL, "short": EVIL}],
                "actions": [{"text": EVIL, "url": EVIL_LINK}],
            },
            {"fallback": EVIL},
        ],
        blocks=[{"type": EVIL}, {"type": "header", "text": EVIL}, {"fields": [{"text": EVIL}]}],
    ),
    record(
        parse_webhook(
            json.dumps(
                {
                    "status": "firing",
                    "externalURL": EVIL_LINK,
                    "alerts": [
                        {
                            "status": "firing",
                            "labels": {"alertname": EVIL, EVIL: EVIL, "severity": EVIL},
                            "annotations": {"summary": EVIL, "description": EVIL, "runbook_url": EVIL_LINK},
                            "startsAt": EVIL, "endsAt": EVIL, "generatorURL": EVIL_LINK,
                        }
                    ] * 2,
                }
            ).encode()
        )
    ),
    record(parse_mail(f"Subject: {EVIL}\r\nFrom: {EVIL}\r\nDate: {EVIL}\r\n\r\n{EVIL}".encode(), EVIL)),
    record(parse_mail(f"Subject: x\r\nContent-Type: text/html\r\n\r\n{EVIL}".encode())),
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_hostile_can_run(hostile: dict[str, Any]) -> None:
    check(render_article(hostile))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(EVIL),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["text", "type", "title", "title_link", "url", "color", "fields", "elements"]),
            inner,
        )
    ),
    max_leaves=15,
)
PAYLOAD = st.dictionaries(st.sampled_from(["text", "attachments", "blocks", "channel", "username"]), JSON)


@given(PAYLOAD)
def test_any_slack_message_can_be_shown(payload: dict[str, Any]) -> None:
    try:
        notification = parse_slack(json.dumps(payload).encode())
    except RefusedError:
        return
    markup = render_article(record(notification))
    assert "unreadable" not in markup
    check(markup)


def test_the_policy_allows_the_one_script_of_the_page_and_nothing_else() -> None:
    view = View(
        render_article(HOSTILE[0]), None, {"slack": 1, "email": 0, "webhook": 0}, 7, None, True, EVIL, EVIL
    )
    page = render_document(view).decode()
    assert page.count("<script>") == 1
    assert re.search(r"script-src 'sha256-[\w+/]{43}='; ", PAGE_POLICY)
    assert "unsafe" not in PAGE_POLICY
    assert not re.search(
        r"(src|href)=\"?https?:", page.replace("https://", "", 0).split("<script>")[1].split("</script>")[1]
    )

"""One notification as it stands on the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .email import render_email
from .markup import Html, element, join
from .slack import render_slack
from .times import render_time
from .webhook import render_webhook

_MOST_RAW_CHARACTERS = 5_000
_WORDS = {"slack": "Slack", "email": "E-mail", "webhook": "Webhook"}

_BODIES: dict[str, Callable[[Mapping[str, Any]], Html]] = {
    "slack": render_slack,
    "email": render_email,
    "webhook": render_webhook,
}


def render_article(record: Mapping[str, Any], copies: int = 0) -> Html:
    """Return the notification in `record`, a line of the journal, that came `copies` times again."""
    entry_id, channel, status = str(record["id"]), str(record["channel"]), str(record.get("status", "info"))
    return element(
        "article",
        element(
            "div",
            element("span", _WORDS.get(channel, channel), class_="channel"),
            element("span", status, class_=f"badge {_class_of(status)}"),
            _render_severity(record.get("severity")),
            _render_copies(copies),
            render_time(str(record["received_at"])),
            class_="meta",
        ),
        _render_body(channel, record),
        element(
            "div",
            element("a", f"#{entry_id}", href=f"/api/notifications/{entry_id}", title="All of it, as JSON"),
            class_="foot",
        ),
        id=f"n-{entry_id}",
        class_=f"notification {_class_of(channel)} {_class_of(status)}",
    )


def _render_body(channel: str, record: Mapping[str, Any]) -> Html:
    try:
        return _BODIES[channel](record)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        # An entry that this version did not write must not take the whole page with it.
        text = json.dumps(record, indent=1)[:_MOST_RAW_CHARACTERS]
        return element("pre", text, class_="unreadable")


def _render_severity(severity: object) -> Html:
    return element("span", str(severity), class_="severity") if severity else Html()


def _render_copies(copies: int) -> Html:
    if not copies:
        return Html()
    explanation = "The sender tried again: the same content arrived more than once within minutes"
    return element("span", f"received {copies + 1}×", class_="copies", title=explanation)


def _class_of(word: str) -> str:
    return word if word.isascii() and word.isalpha() else "other"


def render_articles(records: list[tuple[Mapping[str, Any], int]]) -> Html:
    """Return notifications and how often each came again, one below the other."""
    return join(render_article(record, copies) for record, copies in records)

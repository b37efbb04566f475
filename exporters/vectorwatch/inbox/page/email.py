"""A mail as a mail client shows it; its HTML part stays behind the bars of a sandboxed frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .markup import Html, element
from .mrkdwn import render_plain

# Neither scripts nor forms nor the page's own window; links open a tab of their own. The frame has the page's
# origin, so that the page may measure its height; without scripts that gives its content nothing.
SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"

# Header and frame say the same, so that the mail is as harmless when its address is opened by itself.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {SANDBOX}"
)

_LINKS_OPEN_A_TAB = '<!doctype html><meta charset="utf-8"><base target="_blank">'


def render_email(record: Mapping[str, Any]) -> Html:
    """Return a mail: subject, headers, its HTML in a frame, else its text."""
    details = record["details"]
    rows = (("From", "from"), ("To", "to"), ("Date", "date"))
    headers = [(word, str(details.get(key) or "")) for word, key in rows]
    attachments = ", ".join(map(str, details.get("attachments") or ()))
    headers.append(("Attachments", attachments))
    return element(
        "div",
        element("h2", str(record["title"]), class_="subject"),
        element(
            "dl",
            *(element("div", element("dt", word), element("dd", value)) for word, value in headers if value),
            class_="headers",
        ),
        _render_frame(int(record["id"])) if details.get("html") else _render_plain(str(record["text"])),
        class_="mail",
    )


def mail_document(source: str) -> bytes:
    """Return the HTML part of a mail as a document of its own; serve it with `MAIL_POLICY`."""
    return (_LINKS_OPEN_A_TAB + source).encode("utf-8", "replace")


def _render_frame(entry_id: int) -> Html:
    return element(
        "iframe",
        src=f"/mail/{entry_id}",
        sandbox=SANDBOX,
        referrerpolicy="no-referrer",
        loading="lazy",
        title="The mail",
    )


def _render_plain(text: str) -> Html:
    return element("div", render_plain(text), class_="plain")

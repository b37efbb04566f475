"""The page around the notifications."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from ..notification import Channel
from .markup import Html, element, join

_FOLDER = Path(__file__).parent
_TEMPLATE = (_FOLDER / "page.html").read_text(encoding="utf-8")
STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")

_TABS = ((None, "All"), (Channel.SLACK, "Slack"), (Channel.EMAIL, "E-mail"), (Channel.WEBHOOK, "Webhook"))


def _hash_script(document: str) -> str:
    """Return the policy's name for the one script of the page; any other script is refused by the browser."""
    (script,) = re.findall(r"<script>(.*?)</script>", document, re.DOTALL)
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


PAGE_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_hash_script(_TEMPLATE)}'; style-src 'self'; "
    "connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows."""

    articles: Html
    channel: Channel | None
    counts: Mapping[str, int]
    last_id: int
    older_than: int | None
    """The id before which there is more, or None."""
    is_first: bool
    """Whether these are the newest; only then the page adds new ones by itself."""
    trouble: str
    how_to: str
    """Where to send notifications to, shown while there are none."""


def render_document(view: View) -> bytes:
    """Return the page."""
    parts = {
        "tabs": join(_render_tab(channel, word, view) for channel, word in _TABS),
        "articles": view.articles or _render_empty(view),
        "pages": _render_pages(view),
        "trouble": element("p", view.trouble, class_="trouble") if view.trouble else "",
        "channel": view.channel.value if view.channel else "",
        "last_id": str(view.last_id),
        "live": "yes" if view.is_first else "no",
    }
    # A lone surrogate in a message must not cost the whole page.
    return Template(_TEMPLATE).substitute(parts).encode("utf-8", "replace")


def _render_tab(channel: Channel | None, word: str, view: View) -> Html:
    count = sum(view.counts.values()) if channel is None else view.counts[channel.value]
    return element(
        "a",
        f"{word} ",
        element("span", str(count), class_="count", data_channel=channel.value if channel else "all"),
        href=_address(channel),
        aria_current="page" if channel is view.channel else None,
    )


def _render_pages(view: View) -> Html:
    links = []
    if not view.is_first:
        links.append(element("a", "← Newest", href=_address(view.channel)))
    if view.older_than is not None:
        links.append(element("a", "Older →", href=_address(view.channel, before=view.older_than)))
    return join(links)


def _render_empty(view: View) -> Html:
    return element(
        "div",
        element("h2", "Nothing here yet"),
        element("p", "Alerts appear here by themselves as soon as Alertmanager sends one to"),
        element("pre", view.how_to),
        class_="empty",
        id="empty",
    )


def _address(channel: Channel | None, before: int | None = None) -> str:
    query = {"channel": channel.value if channel else None, "before": before}
    given = urlencode({key: value for key, value in query.items() if value is not None})
    return f"/?{given}" if given else "/"

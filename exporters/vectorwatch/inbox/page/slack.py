"""A Slack message as Slack shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..slack import read_objects, read_text
from .markup import Html, element, escape, is_safe_link, join, link
from .mrkdwn import render_inline, render_mrkdwn

# Slack's own three, and its grey for none.
_COLORS = {"good": "#2eb886", "warning": "#daa038", "danger": "#a30200"}
_DEFAULT_COLOR = "#b4b4b4"
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")

_MOST_ATTACHMENTS = 20  # Slack advises against more
_MOST_BLOCKS = 50  # Slack's limit
_MOST_CHARACTERS = 12_000


def render_slack(record: Mapping[str, Any]) -> Html:
    """Return a Slack message: sender, text, blocks, attachments."""
    payload = record["raw"]
    sender = read_text(payload, "username") or "Incoming webhook"
    room = read_text(payload, "channel")
    return element(
        "div",
        element("div", _initials(sender), class_="avatar", aria_hidden="true"),
        element(
            "div",
            element(
                "div",
                element("strong", sender),
                element("span", "APP", class_="app"),
                element("span", room, class_="room") if room else "",
                class_="sender",
            ),
            _render_text(read_text(payload, "text")),
            *_render_blocks(payload),
            *map(_render_attachment, read_objects(payload, "attachments")[:_MOST_ATTACHMENTS]),
            class_="said",
        ),
        class_="slack-message",
    )


def _render_attachment(attachment: Mapping[str, Any]) -> Html:
    title, address = read_text(attachment, "title"), read_text(attachment, "title_link")
    pretext = read_text(attachment, "pretext")
    parts = [
        _render_author(attachment),
        element("div", link(address, render_inline(title)), class_="title") if title else "",
        _render_text(read_text(attachment, "text")),
        *_render_blocks(attachment),
        _render_fields(read_objects(attachment, "fields")),
        *_render_images(attachment),
        *_render_actions(read_objects(attachment, "actions")),
        element("div", render_inline(read_text(attachment, "footer")), class_="footer"),
    ]
    shown = join(parts) if any(parts[:-1]) else _render_text(read_text(attachment, "fallback"))
    body = element("div", shown, class_="content")
    return join(
        [
            _render_text(pretext),
            element("div", _render_bar(read_text(attachment, "color")), body, class_="attachment"),
        ]
    )


def _render_text(text: str) -> Html:
    return element("div", render_mrkdwn(text[:_MOST_CHARACTERS]), class_="mrkdwn") if text.strip() else Html()


def _render_bar(color: str) -> Html:
    """Return the bar in any colour without a `style`, which the page's policy forbids."""
    found = _HEX.fullmatch(color)
    fill = f"#{found.group(1)}" if found else _COLORS.get(color, _DEFAULT_COLOR)
    rectangle = element("rect", width="100%", height="100%", fill=fill)
    return element("svg", rectangle, class_="bar", aria_hidden="true")


def _render_author(attachment: Mapping[str, Any]) -> Html:
    name, address = read_text(attachment, "author_name"), read_text(attachment, "author_link")
    return element("div", link(address, name), class_="author") if name else Html()


def _render_fields(fields: list[dict[str, Any]]) -> Html:
    if not fields:
        return Html()
    shown = (
        element(
            "div",
            element("dt", render_inline(read_text(field, "title"))),
            element("dd", _render_text(read_text(field, "value"))),
            class_="field" if field.get("short") else "field wide",
        )
        for field in fields
    )
    return element("dl", *shown, class_="fields")


def _render_images(attachment: Mapping[str, Any]) -> Iterator[Html]:
    """Yield links: the page loads nothing from elsewhere."""
    for key in ("image_url", "thumb_url"):
        address = read_text(attachment, key)
        if is_safe_link(address):
            yield element("p", link(address, "image"), class_="image")


def _render_actions(actions: list[dict[str, Any]]) -> Iterator[Html]:
    links = [link(read_text(action, "url"), read_text(action, "text") or "open") for action in actions]
    if links:
        yield element(
            "div", *(element("span", button, class_="button") for button in links), class_="actions"
        )


def _render_blocks(value: Mapping[str, Any]) -> Iterator[Html]:
    for block in read_objects(value, "blocks")[:_MOST_BLOCKS]:
        yield _render_block(block)


def _render_block(block: Mapping[str, Any]) -> Html:
    kind = read_text(block, "type")
    if kind == "divider":
        return element("hr")
    if kind == "header":
        return element("h3", read_text(block, "text"))
    if kind == "actions":
        return join(_render_actions(read_objects(block, "elements")))
    parts = [_render_text(read_text(block, "text"))]
    parts += [_render_text(read_text(part, "text")) for part in read_objects(block, "fields")]
    parts += [_render_text(read_text(part, "text")) for part in read_objects(block, "elements")]
    shown = join(parts) or escape(f"[{kind or 'block'}]")
    return element("div", shown, class_="block context" if kind == "context" else "block")


def _initials(name: str) -> str:
    words = re.findall(r"\w+", name) or ["?"]
    return "".join(word[0] for word in words[:2]).upper()

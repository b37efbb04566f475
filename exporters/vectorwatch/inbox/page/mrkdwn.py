"""Slack's markup (mrkdwn) as HTML.

The text is cut into pieces and each piece is escaped when it is written, so nothing in it can become HTML.
The patterns cannot backtrack over more than one line, so the time grows with the length of the text only.
Rules: https://docs.slack.dev/messaging/formatting-message-text/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby

from ..slack import unescape
from .markup import Html, element, escape, join, link

_FENCE = "```"
_BULLET = re.compile(r"\s*(?:[•◦*-]|\d{1,3}\.)\s+(?=\S)")
_QUOTE = re.compile(r"\s*(?:&gt;|>)\s?")
_URL = re.compile(r"https?://[^\s<>|`\"]{1,2000}")
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<token>[^<>\n]{1,3000})>"
    r"|(?<![\w*])\*(?P<b>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<i>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<s>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])"
    rf"|(?P<url>{_URL.pattern})"
    r"|:(?P<emoji>[a-z0-9_+-]{1,40}):"
)
_MOST_NESTED = 4
_URL_END = ".,;:!?)]}'*_~"

# What alert templates use; others are shown by their name, as Slack does for one it does not know.
_EMOJI = {
    "bell": "🔔",
    "boom": "💥",
    "chart_with_upwards_trend": "📈",
    "eyes": "👀",
    "exclamation": "❗",
    "fire": "🔥",
    "green_circle": "🟢",
    "green_heart": "💚",
    "heavy_check_mark": "✔️",
    "information_source": "ℹ️",
    "large_blue_circle": "🔵",
    "large_green_circle": "🟢",
    "large_orange_circle": "🟠",
    "large_yellow_circle": "🟡",
    "mag": "🔍",
    "red_circle": "🔴",
    "rotating_light": "🚨",
    "tada": "🎉",
    "warning": "⚠️",
    "white_check_mark": "✅",
    "x": "❌",
}


def render_mrkdwn(text: str) -> Html:
    """Return `text` as HTML blocks: paragraphs, lists, quotes, code."""
    blocks: list[Html] = []
    for index, piece in enumerate(text.split(_FENCE)):
        if index % 2:
            blocks.append(element("pre", element("code", unescape(piece.strip("\n")))))
        else:
            blocks.extend(_render_lines(piece))
    return join(blocks)


def render_inline(text: str) -> Html:
    """Return one line or a title as HTML without blocks."""
    return join(_render_inline(text, 0))


def _render_lines(text: str) -> Iterator[Html]:
    for kind, lines in groupby(text.strip("\n").split("\n"), _kind_of):
        yield from _RENDERERS[kind](list(lines))


def _kind_of(line: str) -> str:
    if _QUOTE.match(line):
        return "quote"
    return "list" if _BULLET.match(line) else "text"


def _render_paragraph(lines: list[str]) -> list[Html]:
    shown = "\n".join(lines).strip("\n")
    return [element("p", render_inline(shown))] if shown.strip() else []


def _render_list(lines: list[str]) -> list[Html]:
    items = (element("li", render_inline(_BULLET.sub("", line, count=1))) for line in lines)
    return [element("ul", *items)]


def _render_quote(lines: list[str]) -> list[Html]:
    shown = "\n".join(_QUOTE.sub("", line, count=1) for line in lines)
    return [element("blockquote", render_inline(shown))]


_RENDERERS: dict[str, Callable[[list[str]], list[Html]]] = {
    "text": _render_paragraph,
    "list": _render_list,
    "quote": _render_quote,
}


def _render_inline(text: str, depth: int) -> Iterator[Html]:
    end = 0
    for found in _INLINE.finditer(text):
        yield escape(unescape(text[end : found.start()]))
        yield _render_match(found, depth)
        end = found.end()
    yield escape(unescape(text[end:]))


def _render_match(found: re.Match[str], depth: int) -> Html:
    kind, content = found.lastgroup or "", found[found.lastgroup or 0]
    if kind == "code":
        return element("code", unescape(content))
    if kind == "token":
        return _render_token(content)
    if kind == "url":
        return _render_url(unescape(content))
    if kind == "emoji":
        return escape(_EMOJI.get(content, found.group()))
    inner = join(_render_inline(content, depth + 1)) if depth < _MOST_NESTED else escape(unescape(content))
    return element(kind, inner)


def _render_token(token: str) -> Html:
    """Return `<url|label>`, `<@user>`, `<#channel|name>` or `<!here>` as a person sees it."""
    target, bar, label = token.partition("|")
    target, label = unescape(target), unescape(label)
    if target[:1] in "@#":
        return element("span", target[0] + (label or target[1:]).lstrip("@#"), class_="mention")
    if target.startswith("!"):
        return element("span", label or "@" + target[1:].partition("^")[0], class_="mention")
    if bar or ":" in target:
        return link(target, label or target)
    return escape(f"<{target}>")


def _render_url(url: str) -> Html:
    """Return a bare address as a link, without the punctuation that ends its sentence."""
    shown = url.rstrip(_URL_END)
    return join([link(shown, shown), url[len(shown) :]])


def render_plain(text: str) -> Html:
    """Return plain text whose web addresses are links; line breaks are left to the style."""
    end, parts = 0, []
    for found in _URL.finditer(text):
        parts += [escape(text[end : found.start()]), _render_url(found.group())]
        end = found.end()
    return join([*parts, text[end:]])

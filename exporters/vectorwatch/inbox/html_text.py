"""The words of an HTML mail, for the list and for finding alert names; never shown as HTML.

One pass with a pattern that cannot backtrack: the standard library's parser takes quadratic time on hostile
input.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"<([^<>]*)>")
_NAME = re.compile(r"/?\s*([a-zA-Z][a-zA-Z0-9]*)")
_UNSEEN = {"head", "script", "style", "title", "template"}
_BREAKING = {"br", "div", "dd", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"}
_BREAKING |= {"section", "table", "td", "th", "tr", "ul"}


def strip_html(source: str) -> str:
    """Return the text of an HTML document, one line for each block, no empty lines."""
    pieces: list[str] = []
    unseen = ""
    for index, piece in enumerate(_TAG.split(source)):
        if index % 2 == 0:
            if not unseen:
                pieces.append(re.sub(r"\s+", " ", piece))
            continue
        name = _read_name(piece)
        closes = piece.startswith("/")
        if unseen:
            unseen = "" if closes and name == unseen else unseen
        elif name in _UNSEEN and not closes:
            unseen = name
        elif name in _BREAKING:
            pieces.append("\n")
    lines = (line.strip() for line in html.unescape("".join(pieces)).splitlines())
    return "\n".join(line for line in lines if line)


def _read_name(tag: str) -> str:
    found = _NAME.match(tag)
    return found.group(1).lower() if found else ""

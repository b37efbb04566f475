"""HTML that is escaped by construction: a text becomes HTML only through `element` or `escape`."""

from __future__ import annotations

import html
from collections.abc import Iterable
from urllib.parse import urlsplit

_VOID = {"br", "hr", "rect"}
_LINK_SCHEMES = {"http", "https", "mailto"}


class Html(str):
    """HTML made here; a plain `str` is text."""

    __slots__ = ()


def escape(text: str) -> Html:
    """Return `text` as HTML; an `Html` stays as it is."""
    return text if isinstance(text, Html) else Html(html.escape(text))


def join(parts: Iterable[str], separator: str = "") -> Html:
    """Return `parts` one after the other, texts escaped."""
    return Html(escape(separator).join(map(escape, parts)))


def element(name: str, *children: str, **attributes: str | None) -> Html:
    """Return an element without the attributes that are None; `class_` becomes `class`, `data_x` `data-x`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def link(url: str, *children: str) -> Html:
    """Return a link that opens a new tab; without an address of the web or a mailbox, only what it shows."""
    if not is_safe_link(url):
        return join(children)
    return element("a", *children, href=url, target="_blank", rel="noopener noreferrer")


def is_safe_link(url: str) -> bool:
    """Tell whether `url` leads to the web or a mailbox; `javascript:`, `data:` and others may run code."""
    try:
        return urlsplit(url.strip()).scheme.lower() in _LINK_SCHEMES
    except ValueError:
        return False

"""Slack's incoming-webhook payload, as JSON or as the form field `payload`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from .alert_text import read_alerts, read_severity, read_status, strip_status
from .notification import (
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Channel,
    Notification,
    digest_of,
    shorten,
)
from .payload import parse_object, wrong_shape

_FORM_FIELD = b"payload="


def parse_slack(body: bytes) -> Notification:
    """Return the notification in `body`; raise RefusedError with one sentence when it says nothing."""
    payload = parse_object(_unwrap_form(body))
    _check_shape(payload)
    attachments = read_objects(payload, "attachments")
    text = shorten("\n".join(_read_texts(payload, attachments)), MAX_TEXT_CHARACTERS)
    title = shorten(_find_title(attachments, text), MAX_TITLE_CHARACTERS)
    alerts = read_alerts(title, text)
    return Notification(
        channel=Channel.SLACK,
        status=read_status(title, text),
        title=title,
        text=text,
        severity=read_severity(alerts, text),
        alerts=alerts,
        group=strip_status(title),
        digest=digest_of(payload),
        raw=payload,
    )


def read_objects(payload: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects in the list `key`; Slack ignores whatever else stands there."""
    values = payload.get(key)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def read_text(value: Mapping[str, Any], key: str) -> str:
    """Return a text, or that of a block's text object; empty when there is none."""
    text = value.get(key)
    if isinstance(text, dict):
        text = text.get("text")
    return text if isinstance(text, str) else ""


def unescape(text: str) -> str:
    """Return `text` as typed: Slack escapes these three characters and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _unwrap_form(body: bytes) -> bytes:
    if not body.startswith(_FORM_FIELD):
        return body
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True)
    except ValueError:
        raise wrong_shape("The form field `payload` must be URL-encoded") from None
    return fields["payload"][0].encode("utf-8", "surrogatepass")


def _check_shape(payload: Mapping[str, Any]) -> None:
    text = payload.get("text")
    if text is not None and not isinstance(text, str):
        raise wrong_shape("`text` must be a text")
    for key in ("attachments", "blocks"):
        values = payload.get(key)
        if values is not None and not isinstance(values, list):
            raise wrong_shape(f"`{key}` must be a list")
    if not text and not read_objects(payload, "attachments") and not read_objects(payload, "blocks"):
        raise wrong_shape("The message needs `text`, `attachments` or `blocks`")


def _read_texts(payload: Mapping[str, Any], attachments: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what a person reads, top to bottom; `fallback` only where an attachment has nothing else."""
    yield from filter(None, [read_text(payload, "text"), *_block_texts(payload)])
    for attachment in attachments:
        parts = [read_text(attachment, key) for key in ("pretext", "text")]
        parts += _block_texts(attachment)
        for field in read_objects(attachment, "fields"):
            parts.append(f"{read_text(field, 'title')}: {read_text(field, 'value')}")
        yield from filter(None, parts if any(parts) else [read_text(attachment, "fallback")])


def _block_texts(value: Mapping[str, Any]) -> list[str]:
    texts = []
    for block in read_objects(value, "blocks"):
        parts = read_objects(block, "fields") + read_objects(block, "elements")
        texts += [read_text(part, "text") for part in [block, *parts]]
    return texts


def _find_title(attachments: list[dict[str, Any]], text: str) -> str:
    titles = (read_text(attachment, "title").strip() for attachment in attachments)
    first_line = text.strip().partition("\n")[0]
    return unescape(next(filter(None, titles), first_line)) or "(no text)"

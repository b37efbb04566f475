"""Alertmanager's webhook payload (version 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .notification import (
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Alert,
    Channel,
    Notification,
    Status,
    digest_of,
    shorten,
    worst_severity,
)
from .payload import parse_object, wrong_shape

_STATUSES = (Status.FIRING, Status.RESOLVED)
_NAMES_IN_TITLE = 3

SAID = ("summary", "description", "message")
"""The annotations that are written for people, most telling first."""


def parse_webhook(body: bytes) -> Notification:
    """Return the notification in `body`, unknown fields kept in `raw`; raise RefusedError for any other."""
    payload = parse_object(body)
    status = _read_status(payload, "`status`")
    listed = payload.get("alerts")
    if not isinstance(listed, list):
        raise wrong_shape("`alerts` must be a list of alerts")
    alerts = tuple(_read_alert(alert, index) for index, alert in enumerate(listed))
    group = payload.get("groupKey")
    return Notification(
        channel=Channel.WEBHOOK,
        status=status,
        title=shorten(_write_title(alerts), MAX_TITLE_CHARACTERS),
        text=shorten("\n".join(_write_lines(listed)), MAX_TEXT_CHARACTERS),
        severity=worst_severity(alert.labels.get("severity", "") for alert in alerts),
        alerts=alerts,
        group=shorten(group if isinstance(group, str) else _write_title(alerts), MAX_TITLE_CHARACTERS),
        # The reason may differ between two attempts at the same notification.
        digest=digest_of({key: value for key, value in payload.items() if key != "notification_reason"}),
        raw=payload,
    )


def _read_status(value: Mapping[str, Any], name: str) -> Status:
    status = value.get("status")
    if status not in _STATUSES:
        raise wrong_shape(f"{name} must be `firing` or `resolved`")
    return Status(status)


def _read_alert(alert: Any, index: int) -> Alert:
    if not isinstance(alert, dict):
        raise wrong_shape(f"`alerts[{index}]` must be an object")
    labels = read_texts(alert, "labels", index)
    read_texts(alert, "annotations", index)
    return Alert(labels.get("alertname", ""), _read_status(alert, f"`alerts[{index}].status`"), labels)


def read_texts(alert: Mapping[str, Any], key: str, index: int) -> dict[str, str]:
    """Return a map of texts (`labels`, `annotations`), empty when missing."""
    texts = alert.get(key, {})
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise wrong_shape(f"`alerts[{index}].{key}` must be an object of texts")
    return texts


def _write_title(alerts: tuple[Alert, ...]) -> str:
    names = list(dict.fromkeys(alert.name or "unnamed alert" for alert in alerts))
    more = f" and {len(names) - _NAMES_IN_TITLE} more" if len(names) > _NAMES_IN_TITLE else ""
    return ", ".join(names[:_NAMES_IN_TITLE]) + more or "no alerts"


def _write_lines(alerts: list[dict[str, Any]]) -> list[str]:
    """Return one line for each alert: what its annotations say to a person."""
    annotations = [alert.get("annotations", {}) for alert in alerts]
    said = [next((texts[key] for key in SAID if texts.get(key)), "") for texts in annotations]
    return list(dict.fromkeys(filter(None, said)))

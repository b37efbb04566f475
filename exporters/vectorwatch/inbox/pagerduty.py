"""PagerDuty's events of version 2, as Alertmanager sends them: https://developer.pagerduty.com/docs/events-api-v2."""

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
)
from .payload import parse_object, wrong_shape

_STATUSES = {"trigger": Status.FIRING, "acknowledge": Status.INFO, "resolve": Status.RESOLVED}
_SECRET = "routing_key"  # noqa: S105


def parse_pagerduty(body: bytes) -> Notification:
    """Return the notification in `body` without the routing key, which is a secret; raise RefusedError."""
    event = {key: value for key, value in parse_object(body).items() if key != _SECRET}
    action, payload = event.get("event_action"), event.get("payload", {})
    if not isinstance(action, str) or action not in _STATUSES:
        raise wrong_shape("`event_action` must be `trigger`, `acknowledge` or `resolve`")
    if not isinstance(payload, dict):
        raise wrong_shape("`payload` must be an object")
    status, name = _STATUSES[action], _read(payload, "class")
    title = _read(payload, "summary") or _read(event, "dedup_key") or "no summary"
    labels = {"alertname": name, "severity": _read(payload, "severity"), "instance": _read(payload, "source")}
    return Notification(
        channel=Channel.WEBHOOK,
        status=status,
        title=shorten(title, MAX_TITLE_CHARACTERS),
        text=shorten(
            "\n".join(f"{key}: {value}" for key, value in read_details(event).items()), MAX_TEXT_CHARACTERS
        ),
        severity=labels["severity"] or None,
        alerts=(Alert(name, status, {key: value for key, value in labels.items() if value}),) if name else (),
        group=shorten(_read(event, "dedup_key") or title, MAX_TITLE_CHARACTERS),
        digest=digest_of(event),
        raw=event,
    )


def read_details(event: Mapping[str, Any]) -> dict[str, str]:
    """Return what the sender adds to the summary, without what is empty."""
    payload = event.get("payload")
    details = payload.get("custom_details") if isinstance(payload, dict) else None
    return {key: str(value) for key, value in details.items() if value} if isinstance(details, dict) else {}


def _read(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""

"""What a parser makes of one message, whatever way it came, and why a message is not taken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vectorwatch.errors import VectorwatchError

MAX_TEXT_CHARACTERS = 50_000
MAX_TITLE_CHARACTERS = 300

# Most urgent first; names that teams use in a `severity` label.
_SEVERITIES = ("page", "emergency", "critical", "error", "high", "warning", "medium", "low", "info", "none")


class Channel(StrEnum):
    """The way a notification came."""

    SLACK = "slack"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Status(StrEnum):
    """What a notification says of its alerts; `info` when it says nothing of that kind."""

    FIRING = "firing"
    RESOLVED = "resolved"
    INFO = "info"


class RefusalReason(StrEnum):
    """Why a message was not taken: the values of the label `reason`."""

    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    CROSS_SITE = "cross_site"
    DISK_FULL = "disk_full"
    NOT_WRITABLE = "not_writable"


class RefusedError(VectorwatchError):
    """A message that is not taken; the text is one sentence for its sender."""

    def __init__(self, reason: RefusalReason, sentence: str) -> None:
        self.reason = reason
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a notification."""

    name: str
    status: Status
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """One message as it will be kept; `raw` is all of it."""

    channel: Channel
    status: Status
    title: str
    text: str
    severity: str | None
    alerts: tuple[Alert, ...]
    group: str
    """What the sender's retries have in common; see `retries`."""
    digest: str
    """Equal for two messages with the same content."""
    raw: Any
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the page shows of a mail beside its text."""

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON values, `raw` last, because people read the journal too."""
        return {
            "channel": self.channel,
            "status": self.status,
            "title": self.title,
            "text": self.text,
            "severity": self.severity,
            "alerts": [
                {"name": alert.name, "status": alert.status, "labels": alert.labels} for alert in self.alerts
            ],
            "group": self.group,
            "digest": self.digest,
            "details": self.details,
            "raw": self.raw,
        }


def digest_of(content: Any) -> str:
    """Return a short hash of JSON content, the same for any order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def worst_severity(values: Iterable[str]) -> str | None:
    """Return the most urgent of the `severity` labels; one that we do not know comes last."""
    known = {name: rank for rank, name in enumerate(_SEVERITIES)}
    return min(
        (value for value in values if value),
        key=lambda value: known.get(value.lower(), len(known)),
        default=None,
    )


def shorten(text: str, most: int) -> str:
    """Return at most `most` characters of `text`."""
    return text if len(text) <= most else text[: most - 1] + "…"

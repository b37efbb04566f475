"""One line of the journal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .notification import Notification


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an entry without reading its line again."""

    id: int
    received_at: datetime
    channel: str
    duplicate_of: int | None
    """The entry that this one repeats; see `retries`."""
    group: str
    digest: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification as it will be written, before it has an id."""

    notification: Notification
    content: bytes
    """Its fields as a JSON object."""

    @classmethod
    def of(cls, notification: Notification) -> Draft:
        """Write `notification` as ASCII JSON, so that nothing in a message can end its line early."""
        return cls(notification, json.dumps(notification.as_record(), separators=(",", ":")).encode())


def write_line(head: Head, draft: Draft) -> bytes:
    """Return the line of an entry."""
    record = {
        "id": head.id,
        "received_at": head.received_at.isoformat(timespec="milliseconds"),
        "duplicate_of": head.duplicate_of,
    }
    return json.dumps(record, separators=(",", ":")).encode()[:-1] + b"," + draft.content[1:] + b"\n"


def read_head(line: bytes) -> Head | None:
    """Return the head of the entry in `line`, or None when the line is damaged.

    The end of a line may be missing: a JSON object says itself where it ends.
    """
    try:
        return _read_head(json.loads(line))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def _read_head(record: dict[str, Any]) -> Head:
    original = record.get("duplicate_of")
    return Head(
        id=int(record["id"]),
        received_at=datetime.fromisoformat(record["received_at"]),
        channel=str(record["channel"]),
        duplicate_of=None if original is None else int(original),
        group=str(record.get("group", "")),
        digest=str(record.get("digest", "")),
    )

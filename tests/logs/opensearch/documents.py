"""Write documents as Logstash does, in bulk with `create`, and tell what became of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vectorwatch.elastic.client import Server

TIME = "2026-11-27T00:00:00.000Z"


@dataclass(frozen=True)
class Fate:
    """What the server answered for one document."""

    status: int
    reason: str


def create(server: Server, stream: str, lines: Sequence[str], ids: Sequence[str] = ()) -> list[Fate]:
    """Create one document for each line of JSON. Raises ElasticError when the whole request is refused."""
    actions = [{"create": {"_id": identity}} for identity in ids] or [{"create": {}}] * len(lines)
    body = "".join(f"{json.dumps(action)}\n{line}\n" for action, line in zip(actions, lines, strict=True))
    found = server.send(
        "POST",
        f"/{stream}/_bulk",
        # A lone half of a character pair is valid in JSON's escapes and in no encoding.
        content=body.encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    return [_read(item["create"]) for item in found["items"]]


def write(fields: Mapping[str, Any]) -> str:
    """Write a document with a time as one line."""
    return json.dumps({"@timestamp": TIME, **fields})


def count(server: Server, stream: str) -> int:
    """Count the documents of a stream."""
    server.post(f"/{stream}/_refresh")
    return int(server.get(f"/{stream}/_count")["count"])


def _read(item: Mapping[str, Any]) -> Fate:
    error = item.get("error") or {}
    cause = (error.get("caused_by") or {}).get("reason")
    return Fate(item["status"], " ".join(str(part) for part in (error.get("reason"), cause) if part))

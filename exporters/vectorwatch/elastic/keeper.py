"""Keep the logs within their bound: the oldest indices go while all of them take more.

A lifecycle of Elasticsearch knows ages, not the sum of sizes; without this a noisy day would fill the disk.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vectorwatch.errors import VectorwatchError
from vectorwatch.serve import log
from vectorwatch.serve.ending import wait_for_the_end
from vectorwatch.serve.heartbeat import beat

from .client import Server
from .connection import Connection
from .retention import read_bound
from .streams import DATASETS, PATTERNS, TEMPLATE

USER = "log_retention"
SECRET = "log_retention_password"  # noqa: S105 - the name of a file
_HEARTBEAT_SECONDS = 5.0
_GIGABYTE = 2**30
_KEPT_LONGEST = ("logs-security-", "logs-alerts-")
"""Small and wanted long after: whoever floods the other streams must not thereby delete these."""

_log = logging.getLogger("vectorwatch.elastic.keeper")


def run(url: str, secrets: Path, size: str, every_seconds: float, heartbeat: Path | None) -> None:
    """Keep the logs within `size` until SIGTERM. Raises VectorwatchError."""
    bound = read_bound(size)
    log.configure("log-retention", "INFO")
    keep_within(Connection(url, secrets), bound, every_seconds, heartbeat)


@dataclass(frozen=True)
class BackingIndex:
    """One index of a data stream; `created` in milliseconds since 1970."""

    name: str
    stream: str
    created: int
    bytes: int
    takes_documents: bool

    @property
    def _order(self) -> tuple[bool, int, str]:
        return self.stream.startswith(_KEPT_LONGEST), self.created, self.name


@dataclass(frozen=True)
class Plan:
    """What brings the indices within the bound: `delete`, then `roll_over` if that does not suffice."""

    total: int
    delete: Sequence[BackingIndex]
    roll_over: BackingIndex | None


def plan(indices: Sequence[BackingIndex], bound: int) -> Plan:
    """Choose the oldest closed indices until the rest is within `bound` bytes.

    If all of them do not suffice, the largest open index is to be closed, so that it can be deleted, too.
    """
    total = left = sum(index.bytes for index in indices)
    chosen = []
    for index in sorted(indices, key=lambda index: index._order):
        if left <= bound:
            break
        if not index.takes_documents:
            chosen.append(index)
            left -= index.bytes
    open_ones = [index for index in indices if index.takes_documents]
    largest = max(open_ones, key=lambda index: index.bytes, default=None)
    return Plan(total, chosen, largest if left > bound else None)


def keep_within(connection: Connection, bound: int, every_seconds: float, heartbeat: Path | None) -> None:
    """Look every `every_seconds` until SIGTERM, touching `heartbeat` all the while.

    Raises VectorwatchError for settings that cannot be used; a server that does not answer is waited for.
    """
    connection.read_password(SECRET)
    next_look = time.monotonic()
    problem = ""
    with wait_for_the_end() as ended:
        while not ended.is_set():
            if heartbeat is not None:
                beat(heartbeat)
            if time.monotonic() >= next_look:
                problem = _look(connection, bound, problem)
                next_look = time.monotonic() + every_seconds
            ended.wait(min(_HEARTBEAT_SECONDS, every_seconds))


def _look(connection: Connection, bound: int, before: str) -> str:
    """Bring the logs within `bound`; return the problem, which is told once and not at each look."""
    try:
        with connection.open(USER, connection.read_password(SECRET)) as server:
            enforce(server, bound)
    except VectorwatchError as error:
        if str(error) != before:
            _log.warning("%s; looking again later", error)
        return str(error)
    if before:
        _log.info("Elasticsearch answers again")
    return ""


def enforce(server: Server, bound: int) -> None:
    """Delete, and close what must be closed before, down to `bound` bytes. Raises ElasticError."""
    # At most once for each stream: what then still lacks is for the next look.
    for _ in range(len(DATASETS) + 1):
        found = plan(measure(server), bound)
        for index in found.delete:
            server.delete(f"/{quote(index.name)}")
            _log.info(
                "deleted %s (%s, begun %s): the logs took %s of %s",
                index.name,
                _write(index.bytes),
                datetime.fromtimestamp(index.created / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
                _write(found.total),
                _write(bound),
            )
        if found.roll_over is None:
            return
        server.post(f"/{quote(found.roll_over.stream)}/_rollover")
        _log.info(
            "closed %s (%s), for nothing older is left to delete",
            found.roll_over.name,
            _write(found.roll_over.bytes),
        )


def measure(server: Server) -> list[BackingIndex]:
    """Return the indices of our data streams, which are those of our template. Raises ElasticError."""
    streams: Sequence[Any] = server.get(f"/_data_stream/{PATTERNS}", absent=(404,)).get("data_streams", [])
    sizes = server.get(f"/{PATTERNS}/_stats/store").get("indices", {})
    settings = server.get(f"/{PATTERNS}/_settings/index.creation_date?flat_settings=true")
    found = []
    for stream in streams:
        if stream.get("template") != TEMPLATE:
            continue
        names = [index["index_name"] for index in stream["indices"]]
        found += [
            BackingIndex(
                name=name,
                stream=stream["name"],
                created=int(settings[name]["settings"]["index.creation_date"]),
                bytes=int(sizes[name]["total"]["store"]["size_in_bytes"]),
                takes_documents=name == names[-1],
            )
            for name in names
            # One that came or went between the three answers is seen at the next look.
            if name in sizes and name in settings
        ]
    return found


def _write(size: int) -> str:
    return f"{size / _GIGABYTE:.2f} GB"

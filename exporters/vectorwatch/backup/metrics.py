"""The metrics of backups, which node_exporter reads from files (its textfile collector)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from vectorwatch.replacement import replace_files
from vectorwatch.serve.exposition import render
from vectorwatch.serve.metric import Metric, Sink, Table

_SUCCESS_FILE = "vectorwatch-backup.prom"
_FAILURE_FILE = "vectorwatch-backup-failure.prom"
_MAX_SERIES = 100


@dataclass(frozen=True)
class Archive:
    """A complete archive; `ended` in seconds since 1970."""

    ended: float
    bytes: int
    seconds: float


BACKUPS: Table[Archive] = Table(
    (
        Metric(
            "vectorwatch_backup_last_success_timestamp_seconds",
            "When the newest archive was complete.",
            lambda archive: archive.ended,
        ),
        Metric("vectorwatch_backup_size_bytes", "Its size.", lambda archive: archive.bytes),
        Metric(
            "vectorwatch_backup_duration_seconds",
            "How long it took to make, the snapshot of the logs included.",
            lambda archive: archive.seconds,
        ),
    )
)
FAILURES: Table[float] = Table(
    (
        Metric(
            "vectorwatch_backup_last_failure_timestamp_seconds",
            "When `make backup` last ended without an archive.",
            lambda ended: ended,
        ),
    )
)


def record_archive(folder: Path, size: int, seconds: float) -> None:
    """Write that an archive is complete now. Raises OSError."""
    sink = Sink(_MAX_SERIES)
    sink.add(BACKUPS, [Archive(time.time(), size, seconds)])
    _write(folder, _SUCCESS_FILE, sink)


def record_failure(folder: Path) -> None:
    """Write that a backup has failed now. Raises OSError."""
    sink = Sink(_MAX_SERIES)
    sink.add(FAILURES, [time.time()])
    _write(folder, _FAILURE_FILE, sink)


def _write(folder: Path, name: str, sink: Sink) -> None:
    text = render(sink.families(), (), use_openmetrics=False).decode()
    replace_files({name: text}, folder, name)

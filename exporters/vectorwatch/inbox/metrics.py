"""What the inbox says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from vectorwatch.serve.metric import Kind, Metric, Table

from .notification import Channel, Notification, RefusalReason, Status

_WRITE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class JournalState:
    """The journal at the time of a scrape."""

    size_bytes: int
    entries: int
    writable: bool
    removed_entries: int
    damaged_lines: int


JOURNAL: Table[JournalState] = Table(
    (
        Metric("inbox_journal_bytes", "Bytes of the journal's files.", lambda state: state.size_bytes),
        Metric("inbox_journal_entries", "Entries in the journal.", lambda state: state.entries),
        Metric(
            "inbox_journal_writable",
            "1 if the last attempt to write the journal succeeded; at 0 messages are refused.",
            lambda state: int(state.writable),
        ),
        Metric(
            "inbox_journal_removed_entries_total",
            "Oldest entries removed because of `max_journal_bytes`, since the start.",
            lambda state: state.removed_entries,
            kind=Kind.COUNTER,
        ),
        Metric(
            "inbox_journal_damaged_lines",
            "Damaged lines found in the journal at the start.",
            lambda state: state.damaged_lines,
        ),
    )
)


class InboxMetrics:
    """The metrics in `registry`; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # They would double the series. The switch is one for the process, in which this is the only room.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._notifications = Counter(
            "inbox_notifications",
            "Notifications stored since the start, repeats included.",
            ["channel", "status"],
            registry=registry,
        )
        self._repeats = Counter(
            "inbox_repeats",
            "Notifications stored that repeat an earlier one (`duplicate_of`): retries of the sender.",
            ["channel"],
            registry=registry,
        )
        self._refused = Counter(
            "inbox_refused",
            "Messages refused, so that their sender knows that they are not stored.",
            ["channel", "reason"],
            registry=registry,
        )
        self._last = Gauge(
            "inbox_last_notification_timestamp_seconds",
            "Unix time of the last notification stored; 0 when there is none.",
            ["channel"],
            registry=registry,
        )
        self.journal_write_seconds = Histogram(
            "inbox_journal_write_seconds",
            "Time to write one group of notifications and sync it to the disk.",
            buckets=_WRITE_BUCKETS,
            registry=registry,
        )
        self._initialise()

    def _initialise(self) -> None:
        for channel in Channel:
            self._repeats.labels(channel)
            self._last.labels(channel)
            for status in Status:
                self._notifications.labels(channel, status)
            for reason in RefusalReason:
                self._refused.labels(channel, reason)

    def count_stored(self, notification: Notification, received_at: datetime, *, is_repeat: bool) -> None:
        """Count one stored notification."""
        self._notifications.labels(notification.channel, notification.status).inc()
        self._last.labels(notification.channel).set(received_at.timestamp())
        if is_repeat:
            self._repeats.labels(notification.channel).inc()

    def count_refused(self, channel: Channel, reason: RefusalReason) -> None:
        """Count one refused message."""
        self._refused.labels(channel, reason).inc()

    def set_last_received(self, times: Mapping[str, datetime]) -> None:
        """Take over when each channel last received something before this start."""
        for channel in Channel:
            if channel in times:
                self._last.labels(channel).set(times[channel].timestamp())

"""The saved searches: a question, the columns that answer it, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .column import TIMESTAMP
from .data_view import ALERTS, DEAD_LETTERS, LOGS, SECURITY, DataView

Order: TypeAlias = tuple[str, Literal["asc", "desc"]]
SLOW_MILLISECONDS = 1000
"""From here on an operation is called slow in searches and dashboards."""
# A firing alert and a refused document have a level, too; neither is an error of the service that they name.
_LOGGED = "not data_stream.dataset: (alerts or dead_letter)"
ERRORS = f"log.level: (error or critical) and {_LOGGED}"
CRITICAL = f"log.level: critical and {_LOGGED}"
WARNINGS = f"log.level: warning and {_LOGGED}"
SLOW = f"duration_ms >= {SLOW_MILLISECONDS}"
NEWEST_FIRST: Order = (TIMESTAMP, "desc")


@dataclass(frozen=True)
class Search:
    """A saved search; `question` is what it answers, `query` is KQL."""

    id: str
    title: str
    question: str
    view: DataView
    query: str
    columns: Sequence[str]
    order: Order = NEWEST_FIRST


ALL_LOGS = Search(
    "vw-all-logs",
    "All logs",
    "What is logged right now?",
    LOGS,
    "",
    ("service.name", "log.level", "message"),
)
ERROR_LOGS = Search(
    "vw-errors",
    "Errors",
    "What went wrong, where, and in which trace?",
    LOGS,
    ERRORS,
    ("service.name", "log.level", "message", "error.type", "trace.id"),
)
ONE_TRACE = Search(
    "vw-one-trace",
    "One trace",
    "What did every service log about one trace? Put its id in the place of the star.",
    LOGS,
    "trace.id: *",
    ("service.name", "log.level", "operation", "message", "duration_ms", "span.id", "trace.id"),
    (TIMESTAMP, "asc"),
)
ONE_REQUEST = Search(
    "vw-one-request",
    "One request",
    "What happened during one request? Put its id in the place of both stars.",
    LOGS,
    "http.request.id: * or correlation_id: *",
    ("service.name", "log.level", "message", "duration_ms", "http.request.id", "correlation_id", "trace.id"),
    (TIMESTAMP, "asc"),
)
SLOW_OPERATIONS = Search(
    "vw-slow-operations",
    "Slow operations",
    f"Which operations took {SLOW_MILLISECONDS} ms or longer, the slowest first?",
    LOGS,
    SLOW,
    (
        "service.name",
        "operation_type",
        "operation",
        "collection_name",
        "duration_ms",
        "cache_hit",
        "trace.id",
    ),
    ("duration_ms", "desc"),
)
SECURITY_EVENTS = Search(
    "vw-security-events",
    "Security events",
    "Who did what from where, and how risky was it?",
    SECURITY,
    "",
    (
        "event.category",
        "event.action",
        "event.outcome",
        "event.risk_score",
        "source.ip",
        "user.id",
        "user.name",
        "service.name",
        "message",
    ),
)
ALERT_NOTIFICATIONS = Search(
    "vw-alerts",
    "Alert notifications",
    "Who was told of which alert, when, and by which channel?",
    ALERTS,
    "",
    (
        "alert.status",
        "alert.severity",
        "alert.name",
        "alert.summary",
        "alert.channel",
        "alert.runbook_url",
        "alert.dashboard_url",
    ),
)
DEAD_LETTER_EVENTS = Search(
    "vw-dead-letters",
    "Dead letters",
    "What could not be stored, and why?",
    DEAD_LETTERS,
    "",
    ("service.name", "message", "error.message", "event.original", "attributes"),
)

SEARCHES = (
    ALL_LOGS,
    ERROR_LOGS,
    ONE_TRACE,
    ONE_REQUEST,
    SLOW_OPERATIONS,
    SECURITY_EVENTS,
    ALERT_NOTIFICATIONS,
    DEAD_LETTER_EVENTS,
)

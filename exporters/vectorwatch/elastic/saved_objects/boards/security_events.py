"""Who tried what from where, and how risky it was."""

from ..board import Board, Filter
from ..column import Top, count, distinct, largest
from ..data_view import SECURITY
from ..panel import AMBER, RED, Chart, Metric, Rows, Table
from ..search import SECURITY_EVENTS as EVENT_ROWS

HIGH_RISK = 80
"""Above it the library calls a risk high (`exporters/vectorwatch/instrument/domains/security.py`)."""
_HIGH = f"event.risk_score > {HIGH_RISK}"
_FAILED = "event.outcome: failure"
_RISK = largest("risk", "Highest risk", "event.risk_score")
_EVENTS = count("events", "Events")
_FAILURES = count("failed", "Failed", _FAILED)

SECURITY_EVENTS = Board(
    "vw-security-events",
    "Security events",
    "Who tried what from where, and how risky was it? Risks are from 0 to 100.",
    SECURITY,
    (
        Metric("events", count("events", "Events")),
        Metric("high", count("high", f"With a risk above {HIGH_RISK}"), _HIGH, alarm=RED),
        Metric("failed", count("failed", "Failed"), _FAILED, alarm=AMBER),
        Metric("sources", distinct("sources", "Addresses", "source.ip")),
        Chart(
            "by-action",
            "Events by action",
            "bar_stacked",
            (_EVENTS,),
            Top("action", "Action", "event.action", others=True),
        ),
        Chart(
            "risk",
            "Highest risk by action",
            "line",
            (_RISK,),
            Top("action", "Action", "event.action"),
        ),
        Table(
            "addresses",
            "Addresses",
            (Top("address", "Address", "source.ip", 20, "ip"),),
            (_RISK, _FAILURES, _EVENTS, distinct("users", "Users", "user.id")),
        ),
        Table(
            "actions",
            "Actions",
            (
                Top("category", "Category", "event.category"),
                Top("action", "Action", "event.action"),
                Top("outcome", "Outcome", "event.outcome", 5),
            ),
            (_EVENTS, _RISK),
        ),
        Table(
            "users",
            "Users",
            (Top("user", "User", "user.id", 20),),
            (_RISK, _FAILURES, _EVENTS),
            width=16,
        ),
        Table(
            "user-names",
            "Names of users",
            (Top("name", "Name", "user.name", 20),),
            (_RISK, _FAILURES, _EVENTS),
            width=16,
        ),
        Table(
            "services",
            "Services",
            (Top("service", "Service", "service.name"),),
            (_EVENTS, count("high", f"Risk above {HIGH_RISK}", _HIGH), _RISK),
            width=16,
        ),
        Rows("rows", EVENT_ROWS),
    ),
    (
        Filter("event.action", "Action"),
        Filter("event.outcome", "Outcome"),
        Filter("service.name", "Service"),
        Filter("user.id", "User"),
        Filter("user.name", "Name of user"),
    ),
)

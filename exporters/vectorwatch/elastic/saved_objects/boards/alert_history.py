"""Which alerts people were told of, how often, and by which channel."""

from ..board import Board, Filter
from ..column import Top, count, distinct
from ..data_view import ALERTS
from ..panel import RED, Chart, Metric, Rows, Table
from ..search import ALERT_NOTIFICATIONS

_FIRING = "alert.status: firing"
_RESOLVED = "alert.status: resolved"
_CRITICAL = "alert.severity: critical and alert.status: firing"
_INSTANCES = distinct("fingerprints", "Different ones", "alert.fingerprint")

ALERT_HISTORY = Board(
    "vw-alert-history",
    "Alert history",
    "Which alerts were people told of, how often, and by which channel? A row is one alert of one "
    "notification, so an alert that is repeated or sent to two channels counts more than once.",
    ALERTS,
    (
        Metric("firing", count("firing", "Told that it fires"), _FIRING, alarm=RED),
        Metric("critical", count("critical", "Critical"), _CRITICAL, alarm=RED),
        Metric("resolved", count("resolved", "Told that it ended"), _RESOLVED),
        Metric("alerts", distinct("alerts", "Different alerts", "alert.name"), _FIRING),
        Chart(
            "by-severity",
            "Told that it fires, by severity",
            "bar_stacked",
            (count("firing", "Told"),),
            Top("severity", "Severity", "alert.severity", 5),
            _FIRING,
        ),
        Chart(
            "by-name",
            "Told that it fires, by alert",
            "bar_stacked",
            (count("firing", "Told"),),
            Top("alert", "Alert", "alert.name", others=True),
            _FIRING,
        ),
        Table(
            "alerts-table",
            "Alerts",
            (Top("alert", "Alert", "alert.name", 50), Top("severity", "Severity", "alert.severity", 3)),
            (
                count("firing", "Told that it fires", _FIRING),
                _INSTANCES,
                count("resolved", "Told that it ended", _RESOLVED),
            ),
        ),
        Table(
            "channels",
            "Channels",
            (Top("channel", "Channel", "alert.channel"), Top("severity", "Severity", "alert.severity", 3)),
            (
                count("told", "Told"),
                count("firing", "That it fires", _FIRING),
                distinct("alerts", "Different alerts", "alert.name"),
            ),
        ),
        Rows("rows", ALERT_NOTIFICATIONS),
    ),
    (
        Filter("alert.severity", "Severity"),
        Filter("alert.name", "Alert"),
        Filter("alert.channel", "Channel"),
        Filter("alert.status", "Status"),
    ),
    span="now-7d",
)

"""Where one begins: what is logged, what is wrong with it, and where to go from here."""

from ..addresses import GRAFANA, JAEGER, dashboard, discover
from ..board import Board, Filter
from ..column import Top, count, distinct
from ..data_view import LOGS
from ..panel import RED, Chart, Metric, Rows, Table, Text
from ..search import (
    ALERT_NOTIFICATIONS,
    ALL_LOGS,
    DEAD_LETTER_EVENTS,
    ERROR_LOGS,
    ERRORS,
    ONE_REQUEST,
    ONE_TRACE,
    SLOW_OPERATIONS,
)
from .alert_history import ALERT_HISTORY
from .errors_by_service import ERRORS_BY_SERVICE
from .security_events import SECURITY_EVENTS
from .slow_operations import SLOW_OPERATIONS as SLOW_BOARD

_BOARDS = (ERRORS_BY_SERVICE, SLOW_BOARD, SECURITY_EVENTS, ALERT_HISTORY)
_SEARCHES = (
    ALL_LOGS,
    ERROR_LOGS,
    ONE_TRACE,
    ONE_REQUEST,
    SLOW_OPERATIONS,
    ALERT_NOTIFICATIONS,
    DEAD_LETTER_EVENTS,
)
_DEAD = "data_stream.dataset: dead_letter"


def _join(title: str, links: list[tuple[str, str]]) -> str:
    return f"**{title}:** " + " · ".join(f"[{name}]({address})" for name, address in links)


_LINKS = "\n\n".join(
    (
        _join("Dashboards", [(board.title, dashboard(board.id)) for board in _BOARDS]),
        _join("Searches", [(search.title, discover(search.id)) for search in _SEARCHES]),
        _join(
            "Elsewhere",
            [
                ("Logs in Grafana", f"{GRAFANA}/d/vw-logs"),
                ("Log pipeline in Grafana", f"{GRAFANA}/d/vw-log-pipeline"),
                ("Traces in Jaeger", JAEGER),
            ],
        ),
    )
)

START = Board(
    "vw-start",
    "Start",
    "What is logged, what is wrong with it, and where to go from here.",
    LOGS,
    (
        Text("links", _LINKS, height=7),
        Metric("lines", count("lines", "Lines")),
        Metric("errors", count("errors", "Errors"), ERRORS, alarm=RED),
        Metric("services", distinct("services", "Services that log", "service.name")),
        Metric("dead", count("dead", "Dead letters"), _DEAD, alarm=RED),
        Chart(
            "by-level",
            "Lines by level",
            "bar_stacked",
            (count("lines", "Lines"),),
            Top("level", "Level", "log.level", 6),
        ),
        Chart(
            "by-stream",
            "Lines by stream",
            "bar_stacked",
            (count("lines", "Lines"),),
            Top("stream", "Stream", "data_stream.dataset", 6),
        ),
        Table(
            "services-table",
            "Services",
            (Top("service", "Service", "service.name", 50),),
            (
                count("lines", "Lines"),
                count("errors", "Errors", ERRORS),
                distinct("containers", "Containers", "container.id"),
            ),
        ),
        Table(
            "containers",
            "Containers",
            (
                Top("container", "Container", "container.name", 50),
                Top("image", "Image", "container.image.name", 3),
            ),
            (count("lines", "Lines"), count("errors", "Errors", ERRORS)),
        ),
        Rows("rows", ALL_LOGS),
    ),
    (Filter("service.name", "Service"), Filter("log.level", "Level")),
    span="now-1h",
)

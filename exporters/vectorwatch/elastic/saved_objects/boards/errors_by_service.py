"""Which service fails, since when, and with what."""

from ..board import Board, Filter
from ..column import Top, count, distinct
from ..data_view import LOGS
from ..panel import AMBER, RED, Chart, Metric, Rows, Table
from ..search import CRITICAL, ERROR_LOGS, ERRORS, WARNINGS

_ERRORS = count("errors", "Errors")
_SERVICE = Top("service", "Service", "service.name")

ERRORS_BY_SERVICE = Board(
    "vw-errors-by-service",
    "Errors by service",
    "Which service fails, since when, and with what? Click on a trace to see it in Jaeger.",
    LOGS,
    (
        Metric("errors", _ERRORS, ERRORS, alarm=RED),
        Metric("critical", count("critical", "Critical"), CRITICAL, alarm=RED),
        Metric("warnings", count("warnings", "Warnings"), WARNINGS, alarm=AMBER),
        Metric("services", distinct("services", "Services with errors", "service.name"), ERRORS),
        Chart(
            "by-service",
            "Errors by service",
            "bar_stacked",
            (count("errors", "Errors"),),
            Top("service", "Service", "service.name", others=True),
            ERRORS,
            width=48,
        ),
        Table(
            "services-table",
            "Services",
            (_SERVICE,),
            (
                count("errors", "Errors", ERRORS),
                count("critical", "Critical", CRITICAL),
                count("warnings", "Warnings", WARNINGS),
                count("lines", "All lines"),
            ),
        ),
        Table(
            "kinds",
            "Kinds of error",
            (Top("kind", "Kind", "error.type", 20), _SERVICE),
            (count("errors", "Errors"), distinct("traces", "Traces", "trace.id")),
            ERRORS,
        ),
        Table(
            "routes",
            "Requests that failed",
            (Top("route", "Route", "http.route", 20), _SERVICE),
            (count("failed", "Failed"),),
            "http.response.status_code >= 500",
        ),
        Table(
            "loggers",
            "Loggers with errors",
            (Top("logger", "Logger", "log.logger", 20), _SERVICE),
            (count("errors", "Errors"),),
            ERRORS,
        ),
        Rows("rows", ERROR_LOGS),
    ),
    (Filter("service.name", "Service"), Filter("service.environment", "Environment")),
)

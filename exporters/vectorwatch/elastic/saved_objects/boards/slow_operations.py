"""Which operations are slow, where, and since when."""

from ..board import Board, Filter
from ..column import Top, count, largest, percentile
from ..data_view import LOGS
from ..panel import AMBER, BLUE, RED, Chart, Metric, Rows, Table
from ..search import SLOW, SLOW_MILLISECONDS
from ..search import SLOW_OPERATIONS as SLOW_ROWS

_TIMED = "duration_ms: *"
_SLOW = count("slow", f"From {SLOW_MILLISECONDS} ms", SLOW)
_HIT = Top("hit", "Cache hit", "cache_hit", 2, "boolean")
_P95 = percentile(95, "duration_ms")
_SLOWEST = largest("slowest", "Slowest", "duration_ms")

SLOW_OPERATIONS = Board(
    "vw-slow-operations",
    "Slow operations",
    "Which operations are slow, where, and since when? From the lines that say how long something took; "
    "Prometheus has the durations of all.",
    LOGS,
    (
        Metric("timed", count("timed", "Operations with a duration"), _TIMED),
        Metric("slow", count("slow", f"From {SLOW_MILLISECONDS} ms"), SLOW, alarm=AMBER),
        Metric("p95", _P95, _TIMED),
        Metric("slowest", _SLOWEST, _TIMED),
        Chart(
            "durations",
            "Durations",
            "line",
            (
                percentile(50, "duration_ms", BLUE),
                percentile(95, "duration_ms", AMBER),
                percentile(99, "duration_ms", RED),
            ),
            query=_TIMED,
        ),
        Chart(
            "by-type",
            "Slow operations by type",
            "bar_stacked",
            (count("slow", "Slow operations"),),
            Top("type", "Type", "operation_type", others=True),
            SLOW,
        ),
        Table(
            "operations",
            "Operations",
            (
                Top("type", "Type", "operation_type"),
                Top("operation", "Operation", "operation"),
                Top("service", "Service", "service.name", 5),
            ),
            (_P95, _SLOWEST, _SLOW, count("lines", "All")),
            _TIMED,
            width=48,
        ),
        Table(
            "collections",
            "Collections",
            (Top("collection", "Collection", "collection_name", 20),),
            (_P95, _SLOWEST, _SLOW, count("lines", "All")),
            _TIMED,
        ),
        Table(
            "routes",
            "Routes",
            (Top("route", "Route", "http.route", 20), Top("service", "Service", "service.name", 5)),
            (_P95, _SLOWEST, _SLOW, count("lines", "All")),
            _TIMED,
        ),
        Chart(
            "cache",
            "Cache hits and misses",
            "bar_stacked",
            (count("lines", "Lines"),),
            _HIT,
            "cache_hit: *",
        ),
        Chart(
            "cached",
            "95 % are faster than, with a cache hit and without",
            "line",
            (_P95,),
            _HIT,
            "cache_hit: * and duration_ms: *",
        ),
        Rows("rows", SLOW_ROWS),
    ),
    (
        Filter("service.name", "Service"),
        Filter("operation_type", "Operation type"),
        Filter("collection_name", "Collection"),
    ),
)

"""A SQLAlchemy engine: its pool, its connections, its queries. Works by SQLAlchemy's events, sync and async.

A query's time is that of its execution: rows that are fetched later are not part of it. Spans are made by
`opentelemetry-instrumentation-sqlalchemy`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import Counter, Gauge, Histogram

from .limits import ERROR_TYPES, names

if TYPE_CHECKING:
    from sqlalchemy import Engine, ExceptionContext, Pool
    from sqlalchemy.ext.asyncio import AsyncEngine

_POOL = {"pool": names()}
_VERBS = (
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "create",
    "alter",
    "drop",
    "truncate",
    "call",
    "pragma",
)
_SUCCESS = one_of("true", "false")
SIZE = Gauge(
    "db_connection_pool_size",
    "Connections that the pool keeps; workers are added up.",
    _POOL,
    multiprocess="livesum",
)
MAX_OVERFLOW = Gauge(
    "db_connection_pool_max_overflow",
    "Connections that the pool may open beyond its size; none where there is no limit. Workers are added up.",
    _POOL,
    multiprocess="livesum",
)
CHECKED_OUT = Gauge(
    "db_connection_pool_checked_out",
    "Connections in use; workers are added up.",
    _POOL,
    multiprocess="livesum",
)
CHECKED_IN = Gauge(
    "db_connection_pool_checked_in", "Idle connections; workers are added up.", _POOL, multiprocess="livesum"
)
OVERFLOW = Gauge(
    "db_connection_pool_overflow",
    "Connections beyond the pool's size; workers are added up.",
    _POOL,
    multiprocess="livesum",
)
INVALIDATED = Counter(
    "db_connection_pool_invalidated_total",
    "Connections thrown away because they were broken or stale.",
    _POOL,
)
CREATE_DURATION = Histogram(
    "db_connection_create_duration_seconds", "Time to open a connection, failures not.", _POOL
)
CONNECTION_ERRORS = Counter(
    "db_connection_errors_total",
    "Times that no connection was had, by class of what was raised: `TimeoutError` is an exhausted pool.",
    {**_POOL, "error_type": ERROR_TYPES},
)
QUERY_DURATION = Histogram(
    "db_query_duration_seconds",
    "Time to execute a statement, failures too; `query_type` is its verb.",
    {**_POOL, "query_type": one_of(*_VERBS), "success": _SUCCESS},
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
QUERY_ERRORS = Counter(
    "db_query_errors_total", "Statements that failed, by class.", {**_POOL, "error_type": ERROR_TYPES}
)
SLOW_QUERIES = Counter(
    "db_slow_queries_total",
    "Statements slower than the engine's `slow_seconds`; the pattern is verb and tables, never a value.",
    {**_POOL, "query_pattern": names()},
)

_watched: WeakSet[Any] = WeakSet()


def database_engine(engine: Engine | AsyncEngine, pool: str = "default", slow_seconds: float = 1.0) -> None:
    """Record what an engine does from now on, under the name `pool`; a second call for it does nothing."""
    found: Any = getattr(engine, "sync_engine", engine)
    sync_engine: Engine = found
    if sync_engine in _watched:
        return
    _watched.add(sync_engine)
    _watch_pool(sync_engine, pool)
    _watch_queries(sync_engine, pool, slow_seconds)


# ── Pool ─────────────────────────────────────────────────────────────────────────────────────────────────


def _watch_pool(engine: Engine, name: str) -> None:
    started: dict[int, float] = {}

    def begin(_dialect: Any, record: Any, _args: Any, _parameters: Any) -> None:
        started[id(record)] = perf_counter()

    def end(_connection: Any, record: Any) -> None:
        begun = started.pop(id(record), None)
        if begun is not None:
            CREATE_DURATION.observe(perf_counter() - begun, name)

    def changed(*_arguments: Any) -> None:
        _show_pool(engine.pool, name)

    def invalidated(*_arguments: Any) -> None:
        INVALIDATED.inc(name)

    def disposed(_engine: Engine) -> None:
        _count_failures(engine.pool, name)
        changed()

    event.listen(engine, "do_connect", begin)
    event.listen(engine, "connect", end)
    for what in ("checkout", "checkin", "close"):
        event.listen(engine, what, changed)
    for what in ("invalidate", "soft_invalidate"):
        event.listen(engine, what, invalidated)
    event.listen(engine, "engine_disposed", disposed)
    disposed(engine)


def _count_failures(pool: Pool, name: str) -> None:
    # No event tells that the pool is exhausted, nor of errors that are not the driver's own (a name that does
    # not resolve): both only leave `connect` as an exception.
    connect: Callable[[], Any] = pool.connect

    def count_failures() -> Any:
        try:
            return connect()
        except Exception as error:
            CONNECTION_ERRORS.inc(name, type(error).__name__)
            raise

    pool.connect = count_failures  # type: ignore[method-assign]


def _show_pool(pool: Pool, name: str) -> None:
    if not isinstance(pool, QueuePool):
        return  # the others have no size and count nothing
    SIZE.set(pool.size(), name)
    CHECKED_OUT.set(pool.checkedout(), name)
    CHECKED_IN.set(pool.checkedin(), name)
    OVERFLOW.set(max(0, pool.overflow()), name)
    if pool._max_overflow >= 0:
        MAX_OVERFLOW.set(pool._max_overflow, name)


# ── Queries ──────────────────────────────────────────────────────────────────────────────────────────────


def _watch_queries(engine: Engine, name: str, slow_seconds: float) -> None:
    def begin(
        _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        context._vectorwatch_started = perf_counter()

    def end(
        _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        record(statement, perf_counter() - context._vectorwatch_started, "true")

    def fail(failure: ExceptionContext) -> None:
        context: Any = failure.execution_context
        started = getattr(context, "_vectorwatch_started", None)
        if started is not None and failure.statement is not None:
            error = failure.sqlalchemy_exception or failure.original_exception
            QUERY_ERRORS.inc(name, type(error).__name__)
            record(failure.statement, perf_counter() - started, "false")

    def record(statement: str, seconds: float, success: str) -> None:
        verb, pattern = summarize(statement)
        QUERY_DURATION.observe(seconds, name, verb, success)
        if seconds > slow_seconds:
            SLOW_QUERIES.inc(name, pattern)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)


_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*|\(|\)")
_TABLE = re.compile(
    r"\b(?:from|join|into|update|table)\s+(?:if\s+(?:not\s+)?exists\s+)?([\w.\"`\[\]]+)", re.IGNORECASE
)
_MOST_TABLES = 3


@lru_cache(maxsize=1000)
def summarize(statement: str) -> tuple[str, str]:
    """Return the verb and the pattern: verb and first tables, OpenTelemetry's `db.query.summary`.

    Comments and quoted texts are dropped first, so that no value can be part of either.
    """
    bare = _NOISE.sub(" ", statement[:10_000])
    verb = _find_verb(bare)
    tables = dict.fromkeys(re.sub(r"[\"`\[\]]", "", table).lower() for table in _TABLE.findall(bare))
    return verb, " ".join([verb, ",".join(list(tables)[:_MOST_TABLES])]).strip()


def _find_verb(bare: str) -> str:
    """Return the first word; after WITH the first verb outside of its brackets."""
    depth = 0
    for word in _WORD.findall(bare):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth <= 0 and word.lower() in _VERBS:
            return str(word.lower())
        elif depth == 0 and word.lower() != "with" and not bare.lstrip().lower().startswith("with"):
            return "other"
    return "other"

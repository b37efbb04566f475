"""A SQLAlchemy engine: its pool, its connections, its queries. Works by SQLAlchemy's events, sync and async.

A query's time is that of its execution: rows that are fetched later are not part of it. Spans are made by
`opentelemetry-instrumentation-sqlalchemy`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import Counter, Gauge, Histogram
from vectorwatch.instrument.operation import error_type_of

from .limits import ERROR_TYPES, names
from .statement import LONGEST, VERBS, summarize

if TYPE_CHECKING:
    from sqlalchemy import Engine, ExceptionContext, Pool
    from sqlalchemy.ext.asyncio import AsyncEngine

_POOL = {"pool": names()}
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
    {**_POOL, "query_type": one_of(*VERBS), "success": _SUCCESS},
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
    """Record what an engine does from now on, under the name `pool`; a second call for it does nothing.

    Give each engine a name of its own: the gauges of two would overwrite each other. What takes longer than
    `slow_seconds` counts as slow.
    """
    found: Any = getattr(engine, "sync_engine", engine)
    sync_engine: Engine = found
    if sync_engine in _watched:
        return
    _watched.add(sync_engine)
    _Pool(sync_engine, pool).watch()
    _Queries(pool, slow_seconds).watch(sync_engine)


class _Pool:
    """Which connections of a pool are open and which in use.

    Counted from events: the pool's own counts change after the event that says so, and only some pools have
    any. Sets of connection records, because an event may come twice for one.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._used: set[int] = set()
        self._orphans: set[int] = set()
        self._used_gauge = CHECKED_OUT.child(name)
        self._idle_gauge = CHECKED_IN.child(name)

    def watch(self) -> None:
        """Listen to the pool that the engine has, and to those that take its place."""
        listeners: dict[str, Callable[..., None]] = {
            "do_connect": self._begin,
            "connect": self._opened,
            "checkout": self._checked_out,
            "checkin": self._checked_in,
            "close": self._gone,
            "detach": self._gone,
            "invalidate": self._invalidated,
            "soft_invalidate": self._invalidated,
            "engine_disposed": self._replaced,
        }
        for what, listener in listeners.items():
            event.listen(self._engine, what, listener)
        self._replaced(self._engine)

    def _begin(self, _dialect: Any, record: Any, _arguments: Any, _keywords: Any) -> None:
        if record is not None:
            record.record_info["vectorwatch_began"] = perf_counter()

    def _opened(self, _connection: Any, record: Any) -> None:
        began = record.record_info.pop("vectorwatch_began", None)
        if began is not None:
            CREATE_DURATION.observe(perf_counter() - began, self._name)
        with self._lock:
            self._open.add(id(record))
            self._show()

    def _checked_out(self, _connection: Any, record: Any, _proxy: Any) -> None:
        with self._lock:
            self._open.add(id(record))  # it may have been open before anybody listened
            self._used.add(id(record))
            self._show()

    def _checked_in(self, _connection: Any, record: Any) -> None:
        with self._lock:
            self._used.discard(id(record))
            if id(record) in self._orphans:
                self._orphans.discard(id(record))
                self._open.discard(id(record))
            self._show()

    def _gone(self, _connection: Any, record: Any) -> None:
        with self._lock:
            self._open.discard(id(record))
            self._used.discard(id(record))
            self._show()

    def _invalidated(self, *_arguments: Any) -> None:
        INVALIDATED.inc(self._name)

    def _replaced(self, _engine: Any) -> None:
        """Look at the engine's new pool; idle connections of the old one are closed or another process's."""
        pool: Any = self._engine.pool
        self._count_failures(pool)
        self._size = pool.size() if isinstance(pool, QueuePool) else None
        self._shown = -1
        if self._size is not None:
            SIZE.set(self._size, self._name)
            if pool._max_overflow >= 0:
                MAX_OVERFLOW.set(pool._max_overflow, self._name)
        with self._lock:
            # Those in use go back to the old pool, which ends with the last of them.
            self._open &= self._used
            self._orphans = set(self._used)
            self._show()

    def _count_failures(self, pool: Pool) -> None:
        # No event tells that the pool is exhausted, nor of errors that are not the driver's own (a name that
        # does not resolve): both only leave `connect`, as exceptions.
        connect: Callable[[], Any] = pool.connect

        def count_failures() -> Any:
            try:
                return connect()
            except Exception as error:
                CONNECTION_ERRORS.inc(self._name, error_type_of(error))
                raise

        pool.connect = count_failures  # type: ignore[method-assign]

    def _show(self) -> None:
        used, opened = len(self._used), len(self._open)
        self._used_gauge.set(used)
        self._idle_gauge.set(opened - used)
        if self._size is not None and opened != self._shown:
            self._shown = opened
            OVERFLOW.set(max(0, opened - self._size), self._name)


class _Queries:
    """Times what cursors execute."""

    def __init__(self, name: str, slow_seconds: float) -> None:
        self._name = name
        self._slow_seconds = slow_seconds

    def watch(self, engine: Engine) -> None:
        """Listen to the engine."""
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)
        event.listen(engine, "handle_error", self._fail)

    def _begin(
        self, _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        context._vectorwatch_began = perf_counter()

    def _end(
        self, _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        self._record(statement, context, "true")

    def _fail(self, failure: ExceptionContext) -> None:
        error = failure.sqlalchemy_exception or failure.original_exception
        # A cancelled task is no error of the database; without a statement it is a connection that failed.
        if failure.statement is None or not isinstance(failure.original_exception, Exception):
            return
        QUERY_ERRORS.inc(self._name, error_type_of(error))
        self._record(failure.statement, failure.execution_context, "false")

    def _record(self, statement: str, context: Any, success: str) -> None:
        began = getattr(context, "_vectorwatch_began", None)
        if began is None:
            return  # it failed before it was executed, or while its rows were fetched
        context._vectorwatch_began = None
        seconds = perf_counter() - began
        verb, pattern = summarize(statement[:LONGEST])
        QUERY_DURATION.observe(seconds, self._name, verb, success)
        if seconds > self._slow_seconds:
            SLOW_QUERIES.inc(self._name, pattern)

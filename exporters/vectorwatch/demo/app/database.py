"""Users, sessions and the log of questions in SQL, through SQLAlchemy's own pool; SQLite by default."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from vectorwatch.errors import VectorwatchError
from vectorwatch.instrument import track

from .affinity import Affinity
from .breaker import Breaker
from .keys import Caller

T = TypeVar("T")

_POOL_SIZE = 5
_OVERFLOW = 5
_POOL_TIMEOUT_SECONDS = 2.0
_SLOW_SECONDS = 0.25
_REPORT_PAUSE_SECONDS = 0.3
"""The report is made slow, so that a healthy demo has a slow query now and then."""
_SELDOM = ("check", "report")
"""Kinds of query too seldom for any connection to be warm for them."""
_KEPT_ROWS = 5_000
"""Of `questions` and of `sessions` each."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS users (name VARCHAR(64) PRIMARY KEY, tenant VARCHAR(64) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sessions (id VARCHAR(64) PRIMARY KEY, user_name VARCHAR(64) NOT NULL,"
    " started DOUBLE PRECISION NOT NULL)",
    "CREATE TABLE IF NOT EXISTS questions (id VARCHAR(64) PRIMARY KEY, session VARCHAR(64) NOT NULL,"
    " asked DOUBLE PRECISION NOT NULL, mode VARCHAR(16) NOT NULL, subject VARCHAR(64) NOT NULL,"
    " quality DOUBLE PRECISION NOT NULL, seconds DOUBLE PRECISION NOT NULL)",
)


class Database:
    """The pool and every query on it; a query that fails raises SQLAlchemyError or BreakerOpenError."""

    def __init__(self, url: str, breaker: Breaker) -> None:
        self._breaker = breaker
        self._affinity = Affinity()
        self._held: list[Connection] = []
        self.refuse_connections = False
        self.pause_seconds = 0.0
        self.ask_nonsense = False
        self.lose_affinity = False
        self.engine = _make_engine(url)
        event.listen(self.engine, "do_connect", self._refuse)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _set_up_sqlite)
        track.database_engine(self.engine, slow_seconds=_SLOW_SECONDS)

    def prepare(self, callers: Sequence[Caller]) -> None:
        """Make the tables and write down who may ask. Raises VectorwatchError."""
        try:
            with self.engine.begin() as connection:
                for table in _TABLES:
                    connection.execute(text(table))
                connection.execute(text("DELETE FROM users"))
                rows = [{"name": caller.user, "tenant": caller.tenant} for caller in callers]
                connection.execute(text("INSERT INTO users (name, tenant) VALUES (:name, :tenant)"), rows)
        except SQLAlchemyError as error:
            cause = str(error.__cause__ or error).splitlines()[0]
            raise VectorwatchError(
                f"demo-app: the database cannot be used: {cause}; set `VECTORWATCH_APP_DATABASE`"
            ) from error

    async def check(self) -> dict[str, str]:
        """Ask for one row, and say what the pool looks like."""
        await self._run("check", lambda connection: connection.execute(text("SELECT 1")).scalar())
        return {"pool": self.engine.pool.status()}

    async def start_session(self, session: str, user: str) -> None:
        """Write a session down unless it is known."""
        rows = {"id": session, "user": user, "now": time.time()}
        insert = (
            "INSERT INTO sessions (id, user_name, started) SELECT :id, :user, :now"
            " WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE id = :id)"
        )
        await self._run("start_session", lambda connection: connection.execute(text(insert), rows))

    async def count_questions(self, session: str) -> int:
        """Return how many questions a session has asked."""
        query = text("SELECT COUNT(*) FROM questions WHERE session = :id")
        return int(
            await self._run("count_questions", lambda c: c.execute(query, {"id": session}).scalar() or 0)
        )

    async def count_all(self) -> int:
        """Return how many questions are on record."""
        query = text("SELECT COUNT(*) FROM questions")
        return int(await self._run("count_all", lambda connection: connection.execute(query).scalar() or 0))

    async def log_question(self, **values: str | float) -> None:
        """Write one answered question down: id, session, mode, subject, quality, seconds."""
        insert = text(
            "INSERT INTO questions (id, session, asked, mode, subject, quality, seconds)"
            " VALUES (:id, :session, :asked, :mode, :subject, :quality, :seconds)"
        )
        rows = {"asked": time.time(), **values}
        await self._run("log_question", lambda connection: connection.execute(insert, rows))

    async def report(self) -> list[tuple[str, int]]:
        """Return the subjects asked for most; slow on purpose. Forgets the oldest questions and sessions."""
        query = (
            "SELECT subject, COUNT(*) AS times FROM questions GROUP BY subject ORDER BY times DESC LIMIT 5"
        )
        forget = (
            "DELETE FROM questions WHERE id NOT IN"
            " (SELECT id FROM questions ORDER BY asked DESC LIMIT :kept)",
            "DELETE FROM sessions WHERE id NOT IN"
            " (SELECT id FROM sessions ORDER BY started DESC LIMIT :kept)",
        )

        def run(connection: Connection) -> list[tuple[str, int]]:
            self._pause(connection, _REPORT_PAUSE_SECONDS)
            rows = [(str(row.subject), int(row.times)) for row in connection.execute(text(query))]
            for statement in forget:
                connection.execute(text(statement), {"kept": _KEPT_ROWS})
            return rows

        return await self._run("report", run)

    async def renew_connection(self) -> None:
        """Throw one connection away, as pools do with those that grew old."""

        def renew() -> None:
            with self.engine.connect() as connection:
                connection.invalidate()

        await asyncio.to_thread(renew)

    async def hold_connections(self) -> None:
        """Keep all connections of the pool until `release_connections`: what forgotten transactions do."""
        while len(self._held) < _POOL_SIZE + _OVERFLOW:
            self._held.append(await asyncio.to_thread(self.engine.connect))

    async def release_connections(self) -> None:
        """Give back what `hold_connections` keeps."""
        while self._held:
            await asyncio.to_thread(self._held.pop().close)

    def drop_connections(self) -> None:
        """Close the connections that nobody uses, so that the next query makes one."""
        self.engine.dispose()

    def record_pool(self) -> None:
        """Record the size of the pool and how much of it is lent."""
        pool = self.engine.pool
        if isinstance(pool, QueuePool):
            track.connection_pool("database", size=pool.size(), active=pool.checkedout())

    def close(self) -> None:
        """Close every connection."""
        while self._held:
            self._held.pop().close()
        self.engine.dispose()

    async def _run(self, query_type: str, work: Callable[[Connection], T]) -> T:
        with self._breaker.guard():
            return await asyncio.to_thread(self._work, query_type, work)

    def _work(self, query_type: str, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            started = perf_counter()
            if self.pause_seconds:
                self._pause(connection, self.pause_seconds)
            if self.ask_nonsense:
                connection.execute(text("SELECT nothing FROM nowhere"))
            result = work(connection)
            if query_type not in _SELDOM:
                # SQLAlchemy keeps `info` for as long as the driver's connection lives.
                served: set[str] = connection.info.setdefault("vectorwatch_served", set())
                hit = query_type in served and not self.lose_affinity
                served.add(query_type)
                self._affinity.record(query_type, hit=hit, seconds=perf_counter() - started)
            return result

    def _pause(self, connection: Connection, seconds: float) -> None:
        function = {"postgresql": "pg_sleep", "sqlite": "pause"}.get(connection.dialect.name, "sleep")
        connection.execute(text(f"SELECT {function}(:seconds)"), {"seconds": seconds})

    def _refuse(self, *_: Any) -> None:
        if self.refuse_connections:
            driver = self.engine.dialect.loaded_dbapi
            raise driver.OperationalError("the fault `database_failures` is on")


def sqlite_url(folder: Path) -> str:
    """Return the URL of the SQLite file in `folder`."""
    return f"sqlite:///{folder.absolute() / 'app.db'}"


def _make_engine(url: str) -> Engine:
    options: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_size": _POOL_SIZE,
        "max_overflow": _OVERFLOW,
        "pool_timeout": _POOL_TIMEOUT_SECONDS,
        # The connection that was given back last comes first: its caches are warm.
        "pool_use_lifo": True,
    }
    try:
        if url.startswith("sqlite"):
            options["connect_args"] = {"check_same_thread": False, "timeout": 5}
        return create_engine(url, **options)
    except (SQLAlchemyError, ImportError, TypeError) as error:
        raise VectorwatchError(
            f"demo-app: the database cannot be used: {error}; set `VECTORWATCH_APP_DATABASE`"
        ) from error


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # Readers beside the writer, and no wait for the disk at each write: a demo may lose its last seconds.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("pause", 1, time.sleep)

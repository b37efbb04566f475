"""A SQLAlchemy engine, watched: real SQLite, real pools, real failures."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from vectorwatch.instrument import track


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db", pool_size=2, max_overflow=1, pool_timeout=0.05)
    yield engine
    engine.dispose()


def pool_of(readings: Any, name: str) -> tuple[float | None, float | None, float | None]:
    kinds = ("checked_out", "checked_in", "overflow")
    values = [readings.value(f"db_connection_pool_{kind}", pool=name) for kind in kinds]
    return values[0], values[1], values[2]


def test_the_pool_is_shown_as_it_is_at_each_moment(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="moments")
    assert readings.value("db_connection_pool_size", pool="moments") == 2
    assert readings.value("db_connection_pool_max_overflow", pool="moments") == 1
    assert pool_of(readings, "moments") == (0, 0, 0)
    first, second, third = engine.connect(), engine.connect(), engine.connect()
    assert pool_of(readings, "moments") == (3, 0, 1)
    first.close()
    second.close()
    assert pool_of(readings, "moments") == (1, 2, 1)
    third.close()
    assert pool_of(readings, "moments") == (0, 2, 0)
    assert readings.added("db_connection_create_duration_seconds_count", pool="moments") == 3


def test_connections_that_were_open_before_are_counted_when_they_are_used(
    engine: Engine, readings: Any
) -> None:
    engine.connect().close()
    track.database_engine(engine, pool="late")
    with engine.connect():
        assert pool_of(readings, "late") == (1, 0, 0)
    assert pool_of(readings, "late") == (0, 1, 0)


def test_a_pool_that_takes_the_place_of_another_is_watched_as_well(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="disposed")
    kept = engine.connect()
    engine.connect().close()
    engine.dispose()
    assert pool_of(readings, "disposed") == (1, 0, 0)
    kept.close()
    assert pool_of(readings, "disposed") == (0, 0, 0)
    with engine.connect():
        assert pool_of(readings, "disposed") == (1, 0, 0)


def test_a_detached_connection_is_no_longer_of_the_pool(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="detached")
    with engine.connect() as connection:
        connection.detach()
        assert pool_of(readings, "detached") == (0, 0, 0)


def test_an_invalidated_connection_is_counted_and_gone(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="invalid")
    with engine.connect() as connection:
        connection.invalidate()
    assert readings.added("db_connection_pool_invalidated_total", pool="invalid") == 1
    assert pool_of(readings, "invalid") == (0, 0, 0)


def test_many_threads_leave_nothing_in_use(tmp_path: Path, readings: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db", pool_size=3, max_overflow=2, pool_timeout=60)
    track.database_engine(engine, pool="threads")

    def work() -> None:
        for _ in range(30):
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used, idle, overflow = pool_of(readings, "threads")
    assert (used, overflow) == (0, 0)
    assert idle == engine.pool.checkedin()  # type: ignore[attr-defined]
    labels = {"pool": "threads", "query_type": "select", "success": "true"}
    assert readings.added("db_query_duration_seconds_count", **labels) == 240
    engine.dispose()


def test_a_pool_without_a_size_shows_no_size(tmp_path: Path, readings: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db", poolclass=NullPool)
    track.database_engine(engine, pool="sizeless")
    with engine.connect():
        assert readings.value("db_connection_pool_checked_out", pool="sizeless") == 1
    assert readings.value("db_connection_pool_checked_out", pool="sizeless") == 0
    assert readings.value("db_connection_pool_size", pool="sizeless") is None


def test_an_exhausted_pool_is_a_connection_error(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="full")
    held = [engine.connect() for _ in range(3)]
    with pytest.raises(PoolTimeoutError):
        engine.connect()
    assert readings.added("db_connection_errors_total", pool="full", error_type="TimeoutError") == 1
    for connection in held:
        connection.close()


def test_a_database_that_cannot_be_opened_is_a_connection_error(readings: Any) -> None:
    engine = create_engine("sqlite:////nowhere/at/all.db")
    track.database_engine(engine, pool="closed")
    with pytest.raises(OperationalError):
        engine.connect()
    errors = {"pool": "closed", "error_type": "OperationalError"}
    assert readings.added("db_connection_errors_total", **errors) == 1
    assert readings.grown("db_query") == {}
    assert readings.value("db_connection_create_duration_seconds_count", pool="closed") is None


def test_queries_are_timed_by_verb_and_success(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="verbs")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"))
        connection.execute(text("INSERT INTO users VALUES (:id, :name)"), [{"id": 1, "name": "a"}])
        connection.execute(text("SELECT * FROM users")).all()
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO users VALUES (1, 'b')"))
    count = "db_query_duration_seconds_count"
    for verb in ("create", "insert", "select"):
        assert readings.added(count, pool="verbs", query_type=verb, success="true") == 1
    assert readings.added(count, pool="verbs", query_type="insert", success="false") == 1
    assert readings.added("db_query_errors_total", pool="verbs", error_type="IntegrityError") == 1
    assert readings.grown("db_connection_errors_total") == {}
    labels = {"pool": "verbs", "query_type": "select", "success": "true", "le": "0.25"}
    assert readings.value("db_query_duration_seconds_bucket", **labels) is not None


def test_slow_queries_are_counted_by_a_pattern_without_values(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="slow", slow_seconds=0)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (name TEXT)"))
        connection.execute(text("SELECT * FROM users WHERE name = 'anna@example.com'"))
    assert readings.added("db_slow_queries_total", pool="slow", query_pattern="select users") == 1
    assert readings.grown("db_slow_queries_total") == {"db_slow_queries_total": 2}


def test_queries_faster_than_the_limit_are_not_slow(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="fast", slow_seconds=60)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert readings.grown("db_slow_queries_total") == {}


def test_an_engine_that_is_given_twice_is_counted_once(engine: Engine, readings: Any) -> None:
    track.database_engine(engine, pool="twice")
    track.database_engine(engine, pool="again")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert readings.grown("db_query_duration") == {"db_query_duration_seconds_count": 1}
    assert readings.value("db_connection_pool_size", pool="again") is None


def test_other_listeners_of_the_engine_still_open_connections(tmp_path: Path, readings: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    track.database_engine(engine, pool="other")
    opened = []

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, keywords: Any) -> Any:
        opened.append(arguments)
        return sqlite3.connect(*arguments, **keywords)

    with engine.connect():
        pass
    assert len(opened) == 1
    assert readings.added("db_connection_create_duration_seconds_count", pool="other") == 1
    engine.dispose()


@pytest.fixture
async def async_engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    engine = create_async_engine(url, pool_size=2, max_overflow=0, pool_timeout=0.05)
    yield engine
    await engine.dispose()


async def test_an_async_engine_is_watched_as_well(async_engine: AsyncEngine, readings: Any) -> None:
    track.database_engine(async_engine, pool="async")
    async with async_engine.connect() as first, async_engine.connect():
        await first.execute(text("SELECT 1"))
        assert pool_of(readings, "async") == (2, 0, 0)
        with pytest.raises(PoolTimeoutError):
            await async_engine.connect()
    assert pool_of(readings, "async") == (0, 2, 0)
    labels = {"pool": "async", "query_type": "select", "success": "true"}
    assert readings.added("db_query_duration_seconds_count", **labels) == 1
    assert readings.added("db_connection_errors_total", pool="async", error_type="TimeoutError") == 1


async def test_a_cancelled_query_is_no_error_of_the_database(
    async_engine: AsyncEngine, readings: Any
) -> None:
    track.database_engine(async_engine, pool="cancelled")
    begun, released = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold() -> int:
        loop.call_soon_threadsafe(begun.set)
        released.wait(60)
        return 1

    async with async_engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.create_function("hold", 0, hold)
        query = asyncio.create_task(connection.execute(text("SELECT hold()")))
        await begun.wait()
        query.cancel()
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await query
    assert readings.grown("db_query") == {}
    assert readings.value("db_connection_pool_checked_out", pool="cancelled") == 0

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vectorwatch.demo.app.breaker import Breaker, BreakerOpenError
from vectorwatch.demo.app.database import Database, sqlite_url
from vectorwatch.demo.app.keys import Caller
from vectorwatch.errors import VectorwatchError
from vectorwatch.instrument.domains.affinity import HITS, MISSES


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(sqlite_url(tmp_path), Breaker("database", monotonic))
    found.prepare([Caller("atlas-1", "atlas")])
    yield found
    found.close()


async def log_question(database: Database, number: int, subject: str = "recall") -> None:
    await database.log_question(
        id=str(number), session="s", mode="quick", subject=subject, quality=0.9, seconds=0.1
    )


async def test_questions_are_counted_by_session_and_altogether(database: Database) -> None:
    await database.start_session("s", "atlas-1")
    await database.start_session("s", "atlas-1")
    await log_question(database, 1)
    await log_question(database, 2)
    assert await database.count_questions("s") == 2
    assert await database.count_questions("t") == 0
    assert await database.count_all() == 2


async def test_the_report_has_the_subjects_asked_for_most_first(database: Database) -> None:
    for number, subject in enumerate(["trace", "recall", "trace"]):
        await log_question(database, number, subject)
    assert await database.report() == [("trace", 2), ("recall", 1)]


async def test_the_report_forgets_the_oldest_questions_and_sessions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vectorwatch.demo.app.database._KEPT_ROWS", 2)
    for number in range(3):
        await database.start_session(str(number), "atlas-1")
        await log_question(database, number)
    await database.report()
    with database.engine.connect() as connection:
        for query in ("SELECT id FROM sessions ORDER BY id", "SELECT id FROM questions ORDER BY id"):
            assert connection.execute(text(query)).scalars().all() == ["1", "2"], query


async def test_it_survives_a_restart(database: Database, tmp_path: Path) -> None:
    await log_question(database, 1)
    again = Database(sqlite_url(tmp_path), Breaker("database", monotonic))
    again.prepare([Caller("atlas-2", "atlas")])
    assert await again.count_all() == 1
    again.close()


async def test_connections_that_are_held_leave_none_to_the_others(database: Database) -> None:
    await database.hold_connections()
    assert "Current Checked out connections: 10" in database.engine.pool.status()
    with pytest.raises(PoolTimeoutError, match="QueuePool limit of size 5 overflow 5 reached"):
        await log_question(database, 1)
    await database.release_connections()
    assert "Current Checked out connections: 0" in database.engine.pool.status()
    await log_question(database, 1)


async def test_refused_connections_open_the_breaker(database: Database) -> None:
    database.refuse_connections = True
    database.drop_connections()
    for _ in range(5):
        with pytest.raises(OperationalError, match="database_failures"):
            await database.count_all()
    with pytest.raises(BreakerOpenError):
        await database.count_all()


async def test_a_renewed_connection_is_another_one(database: Database) -> None:
    with database.engine.connect() as connection:
        before = connection.connection.dbapi_connection
    await database.renew_connection()
    with database.engine.connect() as connection:
        assert connection.connection.dbapi_connection is not before


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////nowhere/at/all.db", "x+y://host"])
def test_a_database_that_cannot_be_used_is_told_in_one_line(url: str) -> None:
    with pytest.raises(VectorwatchError, match=r"cannot be used: [^\n]+set `VECTORWATCH_APP_DATABASE`$"):
        Database(url, Breaker("database", monotonic)).prepare([])


async def test_a_connection_that_has_served_a_kind_of_query_is_a_hit_for_the_next(database: Database) -> None:
    def counts() -> tuple[float, float]:
        hits, misses = (metric.child("count_all")._value.get() for metric in (HITS, MISSES))
        return hits, misses

    before = counts()
    for _ in range(3):
        await database.count_all()
    assert counts() == (before[0] + 2, before[1] + 1)
    database.lose_affinity = True
    await database.count_all()
    assert counts() == (before[0] + 2, before[1] + 2)

"""SQL statements: verb and tables, never a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.instrument.domains.statement import summarize


@pytest.mark.parametrize(
    ("statement", "verb", "pattern"),
    [
        ("SELECT * FROM documents WHERE name = :name", "select", "select documents"),
        ('INSERT INTO Public."Docs" (a) VALUES (?)', "insert", "insert public.docs"),
        ("select * from a join b on a.x = b.x join c on 1 join d on 2", "select", "select a,b,c"),
        ("WITH x AS (SELECT * FROM a) UPDATE b SET c = 1", "update", "update a,b"),
        ("(select 1 from t) union (select 2 from u)", "select", "select t,u"),
        ("create table if not exists users (id int)", "create", "create users"),
        ("update only t set a = 1", "update", "update t"),
        ("insert into t values (1) on conflict do update set a = 1", "insert", "insert t"),
        ("select * from t for update", "select", "select t"),
        ("explain select * from t", "select", "select t"),
        ("GRANT SELECT ON x TO y", "other", "other"),
        ("PRAGMA journal_mode", "pragma", "pragma"),
        ("", "other", "other"),
    ],
)
def test_a_statement_is_its_verb_and_its_tables(statement: str, verb: str, pattern: str) -> None:
    assert summarize(statement) == (verb, pattern)


@pytest.mark.parametrize(
    "statement",
    [
        "select 1 where x = 'from secret'",
        "select 1 where x = 'it''s from secret'",
        'select 1 where x = "from secret"',
        "select 1 -- from secret",
        "select 1 /* from secret */",
        "select 1 where x = 'from secret",
        r"select 1 where x = 'a\' from secret'",
        "select 1 where x = $$ from secret $$",
        "select 1 where x = $tag$ from secret $tag$",
        "select 1 where x = :from and y = %(secret)s",
    ],
)
def test_no_value_and_no_comment_becomes_part_of_the_pattern(statement: str) -> None:
    assert summarize(statement) == ("select", "select")


@given(st.text(alphabet=st.sampled_from("'from secret\"\\$-/*"), max_size=60))
def test_a_quoted_value_stays_outside_whatever_it_contains(value: str) -> None:
    quoted = value.replace("'", "''")
    statement = f"SELECT a FROM t WHERE b = '{quoted}'"  # noqa: S608 - nothing executes it
    assert summarize(statement)[1] in ("select t", "select")

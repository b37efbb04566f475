from __future__ import annotations

from vectorwatch.demo.app import affinity
from vectorwatch.demo.app.affinity import Affinity
from vectorwatch.instrument.domains.affinity import GAIN, HITS, MISSES, SCORE


def count(query_type: str) -> tuple[float, float, float, float]:
    """Hits, misses, score and gain of a kind of query."""
    values = (metric.child(query_type)._value.get() for metric in (HITS, MISSES, SCORE, GAIN))
    hits, misses, score, gain = values
    return hits, misses, score, gain


def test_a_hit_is_the_connection_that_served_this_kind_last() -> None:
    found = Affinity()
    for connection in (1, 1, 2, 2):
        found.record("test_hit", connection, 1.0)
    assert count("test_hit")[:3] == (2, 2, 0.5)


def test_kinds_are_kept_apart() -> None:
    found = Affinity()
    found.record("test_one", 1, 1.0)
    found.record("test_two", 2, 1.0)
    found.record("test_one", 1, 1.0)
    assert count("test_one")[:2] == (1, 1)


def test_the_gain_is_the_share_of_time_that_a_hit_saves() -> None:
    found = Affinity()
    found.record("test_gain", 1, 2.0)
    found.record("test_gain", 1, 0.5)
    assert count("test_gain")[3] == 75


def test_what_is_forgotten_misses() -> None:
    found = Affinity()
    found.record("test_forget", 1, 1.0)
    found.forget()
    found.record("test_forget", 1, 1.0)
    assert count("test_forget")[:3] == (0, 2, 0)


def test_only_the_last_queries_are_judged() -> None:
    found = Affinity()
    for connection in range(affinity._JUDGED):
        found.record("test_recent", connection, 1.0)
    for _ in range(affinity._JUDGED + 1):
        found.record("test_recent", 0, 1.0)
    assert count("test_recent")[2] == 1

from __future__ import annotations

from vectorwatch.demo.app import affinity
from vectorwatch.demo.app.affinity import Affinity
from vectorwatch.instrument.domains.affinity import GAIN, HITS, MISSES, SCORE


def count(query_type: str) -> tuple[float, float, float, float]:
    """Hits, misses, score and gain of a kind of query."""
    values = (metric.child(query_type)._value.get() for metric in (HITS, MISSES, SCORE, GAIN))
    hits, misses, score, gain = values
    return hits, misses, score, gain


def test_hits_and_misses_are_counted_by_kind_and_scored() -> None:
    found = Affinity()
    for hit in (False, True, True, True):
        found.record("test_hit", hit=hit, seconds=1.0)
    found.record("test_other", hit=False, seconds=1.0)
    assert count("test_hit")[:3] == (3, 1, 0.75)
    assert count("test_other")[:3] == (0, 1, 0)


def test_the_gain_is_the_share_of_time_that_a_hit_saves() -> None:
    found = Affinity()
    found.record("test_gain", hit=False, seconds=2.0)
    assert count("test_gain")[3] == 0
    found.record("test_gain", hit=True, seconds=0.5)
    assert count("test_gain")[3] == 75


def test_only_the_last_queries_are_judged() -> None:
    found = Affinity()
    for hit in (*[False] * affinity._JUDGED, *[True] * affinity._JUDGED):
        found.record("test_recent", hit=hit, seconds=1.0)
    assert count("test_recent")[2] == 1

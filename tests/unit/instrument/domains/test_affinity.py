"""Connection affinity: hits, misses, and what it brings."""

from __future__ import annotations

from typing import Any

from vectorwatch.instrument import track


def test_a_choice_is_either_hit_or_miss(readings: Any) -> None:
    track.connection_affinity("select", hit=True)
    track.connection_affinity("select", hit=False)
    track.connection_affinity("select", hit=False)
    assert readings.added("db_connection_affinity_hits_total", query_type="select") == 1
    assert readings.added("db_connection_affinity_misses_total", query_type="select") == 2


def test_what_is_left_out_stays_as_it_was(readings: Any) -> None:
    track.connection_affinity_performance("select", score=0.8, gain_percent=12.5)
    track.connection_affinity_performance("select", score=0.7)
    assert readings.value("db_connection_affinity_performance_score", query_type="select") == 0.7
    assert readings.value("db_connection_affinity_performance_gain_percent", query_type="select") == 12.5

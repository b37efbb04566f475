"""Counting answers."""

from __future__ import annotations

from vectorwatch.demo.engine.traffic import Traffic


def test_answers_are_counted_by_method_endpoint_and_status() -> None:
    traffic = Traffic()
    traffic.record("POST", "/x", 200, 0.1)
    traffic.record("POST", "/x", 200, 0.1)
    traffic.record("POST", "/x", 404, 0.1)
    assert traffic.list_responses() == {("POST", "/x", 200): 2, ("POST", "/x", 404): 1}


def test_buckets_are_cumulative_and_hold_their_bound() -> None:
    traffic = Traffic()
    for seconds in (0.001, 0.0011, 0.05, 60):
        traffic.record("POST", "/x", 200, seconds)
    traffic.record("POST", "/x", 500, 0.001)
    durations = traffic.list_durations()["POST", "/x"]
    buckets = dict(durations.cumulate())
    assert (buckets["0.001"], buckets["0.005"], buckets["0.05"], buckets["50"], buckets["+Inf"]) == (
        1,
        2,
        3,
        3,
        4,
    )
    assert durations.total_seconds == 60.0521

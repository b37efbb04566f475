"""The cache of a workflow: operations and state."""

from __future__ import annotations

from typing import Any

from vectorwatch.instrument import track


def test_operations_are_counted_by_mode_and_ages_only_where_known(readings: Any) -> None:
    track.cache_operation("hit", "chat", entry_age_seconds=42)
    track.cache_operation("miss", "chat")
    assert readings.added("vital_cache_operations_total", operation="hit", mode="chat") == 1
    assert readings.added("vital_cache_operations_total", operation="miss", mode="chat") == 1
    assert readings.added("vital_cache_entry_age_seconds_count", mode="chat") == 1
    assert readings.added("vital_cache_entry_age_seconds_sum", mode="chat") == 42


def test_an_operation_that_a_cache_does_not_have_becomes_other(readings: Any) -> None:
    track.cache_operation("GET user:17", "chat")
    assert readings.added("vital_cache_operations_total", operation="other", mode="chat") == 1


def test_the_state_keeps_what_is_left_out() -> None:
    from vectorwatch.instrument.domains import cache

    track.cache_state(entries=720, memory_bytes=45_000_000, capacity_entries=1000)
    track.cache_state(entries=721, hit_rate_by_mode={"chat": 0.67, "batch": 0.4})
    gauges = (cache.ENTRIES, cache.MEMORY, cache.CAPACITY)
    assert [gauge.child()._value.get() for gauge in gauges] == [721, 45_000_000, 1000]
    assert cache.HIT_RATE.child("batch")._value.get() == 0.4

"""What the domains need of `metric.py` and `labels.py`: gauges that may be absent, summaries, UUIDs."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from vectorwatch.instrument.labels import at_most, one_of
from vectorwatch.instrument.metric import Gauge, Summary


def test_a_gauge_without_labels_is_there_when_it_is_set_and_not_before(readings: Any) -> None:
    gauge = Gauge("kinds_unset", "A gauge that a test sets.")
    assert readings.value("kinds_unset") is None
    gauge.set(0)
    assert readings.value("kinds_unset") == 0


def test_a_gauge_without_labels_is_made_once_by_many_threads(readings: Any) -> None:
    gauge = Gauge("kinds_raced", "A gauge that many threads count in.", multiprocess="livesum")
    barrier = threading.Barrier(8)

    def count() -> None:
        barrier.wait()
        gauge.inc()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert readings.value("kinds_raced") == 8


def test_a_gauge_still_refuses_labels_that_it_does_not_have(readings: Any) -> None:
    gauge = Gauge("kinds_strict", "A gauge without labels.")
    with pytest.raises(ValueError, match=r"kinds_strict has the labels \(none\); got \('x',\)"):
        gauge.set(1, "x")


def test_a_summary_counts_and_adds(readings: Any) -> None:
    summary = Summary("kinds_summary", "A summary.", {"mode": one_of("a")})
    summary.observe(1.5, "a")
    summary.observe(2.5, "a")
    assert readings.value("kinds_summary_count", mode="a") == 2
    assert readings.value("kinds_summary_sum", mode="a") == 4


def test_a_uuid_passes_only_where_it_names_no_person() -> None:
    tenant = "0B9D0D5E-6c1c-4b44-9d52-0a2f5b1f9a11"
    assert at_most(3).refuse(tenant) == "personal"
    assert at_most(3, uuids=True).refuse(tenant) == ""
    assert at_most(3, uuids=True).refuse(f"user {tenant}") == "personal"
    assert at_most(3, uuids=True).refuse("anna@example.com") == "personal"

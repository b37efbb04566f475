from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.hnsw.latency import BUCKETS_SECONDS, LatencyHistogram


@given(st.lists(st.floats(0, 20), max_size=40))
def test_each_bucket_counts_what_is_at_most_its_bound(seconds: list[float]) -> None:
    histogram = LatencyHistogram()
    for one in seconds:
        histogram.observe(one)
    counted = {float(bound): count for bound, count in histogram.cumulative()}
    assert counted == {bound: sum(one <= bound for one in seconds) for bound in (*BUCKETS_SECONDS, math.inf)}
    assert histogram.sum_seconds == sum(seconds)


def test_bounds_reach_from_a_quarter_of_a_millisecond_to_ten_seconds() -> None:
    bounds = [bound for bound, _ in LatencyHistogram().cumulative()]
    assert (bounds[0], bounds[-2], bounds[-1]) == ("0.00025", "10.0", "+Inf")

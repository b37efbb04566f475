"""A share is recorded, and sums stay true."""

from __future__ import annotations

import logging
import random

import pytest

from vectorwatch.instrument.sampling import SampledLogs, sample


def test_the_sum_of_the_weights_is_the_number_of_events() -> None:
    draw = random.Random(7).random
    weights = [sample(0.05, draw=draw) for _ in range(100_000)]
    assert set(weights) == {0.0, 20.0}
    # The relative error that the docstring names, three times.
    assert sum(weights) == pytest.approx(100_000, rel=3 * (0.95 / (0.05 * 100_000)) ** 0.5)


def test_all_of_it_is_each_of_them() -> None:
    assert [sample(1.0) for _ in range(100)] == [1.0] * 100


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_is_above_0_and_at_most_1(share: float) -> None:
    with pytest.raises(ValueError, match="a share is above 0 and at most 1"):
        sample(share)
    with pytest.raises(ValueError, match="a share is above 0 and at most 1"):
        SampledLogs(share)


def test_only_lines_below_warning_are_sampled_and_say_so() -> None:
    draws = iter([0.9, 0.05])
    only_some = SampledLogs(0.1, draw=lambda: next(draws))
    records = [logging.makeLogRecord({"levelno": level}) for level in (20, 10, 30, 40)]
    assert [only_some.filter(record) for record in records] == [False, True, True, True]
    assert [getattr(record, "sample_share", None) for record in records] == [None, 0.1, None, None]

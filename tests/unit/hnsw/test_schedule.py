from __future__ import annotations

from typing import TYPE_CHECKING

from vectorwatch.hnsw.schedule import Schedule

if TYPE_CHECKING:
    from .conftest import ManualClock


def test_the_first_round_starts_at_once_and_the_others_at_the_interval(clock: ManualClock) -> None:
    schedule = Schedule(30, clock)
    waits = []
    for _ in range(3):
        waits.append(schedule.seconds_to_next())
        clock.seconds += waits[-1] + 4  # a round takes four seconds
    assert waits == [0, 26, 26]


def test_missed_rounds_are_not_caught_up(clock: ManualClock) -> None:
    schedule = Schedule(30, clock)
    schedule.seconds_to_next()
    clock.seconds += 3600
    assert schedule.seconds_to_next() == 0
    assert schedule.seconds_to_next() == 30


def test_a_clock_that_jumps_back_delays_no_longer_than_an_interval(clock: ManualClock) -> None:
    schedule = Schedule(30, clock)
    schedule.seconds_to_next()
    clock.seconds -= 100_000
    assert schedule.seconds_to_next() == 30

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorwatch.hnsw.backoff import Backoff

if TYPE_CHECKING:
    from .conftest import ManualClock


def test_pauses_double_up_to_the_cap(clock: ManualClock) -> None:
    backoff = Backoff(clock)
    lengths = []
    for _ in range(6):
        backoff.pause(30, 300)
        lengths.append(backoff.pause_seconds)
        clock.seconds += backoff.pause_seconds
    assert lengths == [30, 60, 120, 240, 300, 300]


def test_a_pause_ends_when_its_time_is_over(clock: ManualClock) -> None:
    backoff = Backoff(clock)
    assert not backoff.waiting()
    backoff.pause(30, 300)
    clock.seconds += 29.9
    assert backoff.waiting()
    clock.seconds += 0.2
    assert not backoff.waiting()


def test_success_makes_the_next_pause_short_again(clock: ManualClock) -> None:
    backoff = Backoff(clock)
    for _ in range(4):
        backoff.pause(30, 300)
    backoff.reset()
    assert not backoff.waiting()
    backoff.pause(30, 300)
    assert backoff.pause_seconds == 30


def test_a_graver_reason_starts_with_a_longer_pause(clock: ManualClock) -> None:
    backoff = Backoff(clock)
    backoff.pause(30, 900)
    backoff.pause(300, 900)
    assert backoff.pause_seconds == 300


def test_a_clock_that_jumps_back_ends_the_pause_instead_of_lengthening_it(clock: ManualClock) -> None:
    backoff = Backoff(clock)
    backoff.pause(30, 300)
    clock.seconds -= 10_000
    assert not backoff.waiting()

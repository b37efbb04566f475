from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.hnsw.budget import Bucket, Budget

if TYPE_CHECKING:
    from .conftest import ManualClock


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


steps = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), max_size=60)


@given(steps=steps, rate=st.floats(0.01, 3), capacity=st.floats(0.1, 10))
def test_never_more_is_spent_than_earned_plus_one_search(
    steps: list[tuple[float, float]], rate: float, capacity: float
) -> None:
    clock = Seconds()
    bucket, spent, largest = Bucket(rate, capacity, clock), 0.0, 0.0
    for pause, cost in steps:
        clock.now += pause
        if bucket.balance() > 0:
            bucket.spend(cost)
            spent, largest = spent + cost, max(largest, cost)
        assert spent <= capacity + rate * clock.now + largest + 1e-6


def test_an_overdraft_is_waited_for() -> None:
    clock = Seconds()
    bucket = Bucket(0.01, 0.6, clock)
    bucket.spend(3.0)
    clock.now += 239
    assert bucket.balance() < 0
    clock.now += 2
    assert bucket.balance() > 0


def test_a_quiet_hour_saves_no_more_than_the_capacity() -> None:
    clock = Seconds()
    bucket = Bucket(1.0, 5.0, clock)
    clock.now += 3600
    assert bucket.balance() == 5.0


@given(jumps=st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_a_jumping_clock_neither_takes_away_nor_overfills(jumps: list[float]) -> None:
    clock = Seconds()
    bucket = Bucket(1.0, 5.0, clock)
    bucket.spend(2.0)
    before = bucket.balance()
    for jump in jumps:
        clock.now += jump
        assert before <= bucket.balance() <= 5.0
        before = bucket.balance()


def make_budget(clock: ManualClock, **given: float) -> Budget:
    values = {"searches_per_minute": 120.0, "max_load_ratio": 0.01, "interval_seconds": 30.0} | given
    return Budget(**values, clock=clock)


def test_searches_end_when_their_number_is_used_up(clock: ManualClock) -> None:
    budget = make_budget(clock)
    assert budget.searches_left() == 120
    for _ in range(120):
        assert budget.may_search()
        budget.charge(searches=1, engine_seconds=0)
    assert not budget.may_search()
    clock.seconds += 1
    assert budget.searches_left() == 2


def test_searches_end_when_the_engines_time_is_used_up(clock: ManualClock) -> None:
    budget = make_budget(clock)
    budget.charge(searches=1, engine_seconds=0.4)  # 0.3 s are saved up at the start
    assert not budget.may_search()
    clock.seconds += 11
    assert budget.may_search()
    assert budget.affords(0.005)
    assert not budget.affords(0.05)


def test_a_long_interval_may_use_what_it_earned(clock: ManualClock) -> None:
    assert make_budget(clock, interval_seconds=600.0).searches_left() == 1200


def test_a_negative_cost_gives_nothing_back(clock: ManualClock) -> None:
    budget = make_budget(clock)
    budget.charge(searches=1, engine_seconds=-100.0)
    clock.seconds += 1e6
    assert not budget.affords(0.31)

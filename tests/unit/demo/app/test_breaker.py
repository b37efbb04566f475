from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from vectorwatch.demo.app.breaker import Breaker, BreakerOpenError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("test", clock, open_seconds=10)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="down"), breaker.guard():
            raise OSError("down")


def call(breaker: Breaker, work: Callable[[], object] = str) -> None:
    with breaker.guard():
        work()


def test_it_opens_after_five_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 4)
    call(breaker)
    fail(breaker, 4)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_while_open_no_call_is_made(breaker: Breaker) -> None:
    fail(breaker, 5)
    made: list[int] = []
    with pytest.raises(BreakerOpenError, match="the breaker of test is open"):
        call(breaker, lambda: made.append(1))
    assert made == []


def test_one_success_after_a_while_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now = 10
    call(breaker)
    assert breaker.state == "closed"


def test_one_failure_after_a_while_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now = 10
    fail(breaker)
    assert breaker.state == "open"
    clock.now = 19
    with pytest.raises(BreakerOpenError):
        call(breaker)


def test_while_one_call_tries_the_others_are_not_made(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now = 10
    with breaker.guard():
        assert breaker.state == "half_open"
        with pytest.raises(BreakerOpenError):
            call(breaker)
    assert breaker.state == "closed"


def test_a_try_that_is_cancelled_leaves_it_to_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now = 10
    with pytest.raises(asyncio.CancelledError), breaker.guard():
        raise asyncio.CancelledError
    assert breaker.state == "open"
    call(breaker)
    assert breaker.state == "closed"

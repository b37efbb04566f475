from __future__ import annotations

import logging

import pytest

from vectorwatch.demo.dependency import Dependency


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail() -> int:
    raise ConnectionRefusedError("the text of the error")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Dependency:
    return Dependency("cache", (OSError,), clock)


def test_an_answer_is_passed_on(cache: Dependency) -> None:
    assert cache.attempt(lambda: 7) == 7
    assert cache.answers


def test_a_failure_is_nothing_and_told_once(
    cache: Dependency, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        assert cache.attempt(fail) is None
        clock.now += 2
    assert caplog.messages == ["cache does not answer (ConnectionRefusedError); going on without it"]
    assert not cache.answers


def test_a_failed_server_is_left_alone_for_a_second(cache: Dependency, clock: Clock) -> None:
    cache.attempt(fail)
    clock.now += 0.9
    assert cache.attempt(lambda: 7) is None
    clock.now += 0.2
    assert cache.attempt(lambda: 7) == 7


def test_the_return_is_told_with_its_seconds(
    cache: Dependency, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cache.attempt(fail)
    clock.now += 75
    cache.attempt(lambda: 7)
    cache.attempt(lambda: 7)
    assert caplog.messages[1:] == ["cache answers again after 75 s"]


def test_a_defect_is_not_taken_for_an_outage(cache: Dependency) -> None:
    with pytest.raises(ZeroDivisionError):
        cache.attempt(lambda: 1 // 0)

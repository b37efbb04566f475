from __future__ import annotations

import pytest

from vectorwatch.demo.app.faults import LONGEST_SECONDS, Fault, FaultError, Faults


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fault_ends_by_itself() -> None:
    clock = Clock()
    faults = Faults(clock)
    faults.begin("slow_llm", 30)
    clock.now = 29
    assert faults.is_on("slow_llm")
    assert faults.list_on() == [Fault("slow_llm", 1)]
    clock.now = 30
    assert not faults.is_on("slow_llm")
    assert faults.list_on() == []


def test_a_fault_can_be_ended_and_ending_it_twice_does_no_harm() -> None:
    faults = Faults(Clock())
    faults.begin("slow_llm", 30)
    faults.end("slow_llm")
    faults.end("slow_llm")
    assert not faults.is_on("slow_llm")


def test_no_fault_is_on_at_first() -> None:
    assert Faults(Clock()).list_on() == []


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_SECONDS + 1, float("nan"), float("inf")])
def test_an_end_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(FaultError, match="give more than 0 and at most 3600"):
        Faults(Clock()).begin("slow_llm", seconds)


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(FaultError, match="no fault is called `x`; there are accuracy_drop, "):
        Faults(Clock()).begin("x", 1)
    with pytest.raises(FaultError, match="no fault is called `x`"):
        Faults(Clock()).end("x")

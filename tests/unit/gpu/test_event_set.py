"""The event set of one session: void when the session is."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.gpu.client import CallFailedError, DriverGoneError, Nvml
from vectorwatch.gpu.event_set import EventSet

CARD = "GPU-00000000-0000-0000-0000-000000000200"


@pytest.fixture
def open_nvml(nvml: Nvml, scenario: Any) -> Nvml:
    scenario.play("h200")
    nvml.open()
    return nvml


def test_no_event_within_the_time_is_none(open_nvml: Nvml) -> None:
    with EventSet(open_nvml) as events:
        assert events.register(()) == [CARD]
        assert events.wait(0.01) is None


def test_an_event_names_its_card_and_code(open_nvml: Nvml, scenario: Any) -> None:
    with EventSet(open_nvml) as events:
        events.register(())
        scenario.set({"system events": "gpu0:119"})
        assert events.wait(1) == (CARD, 119)


def test_an_error_of_the_driver_carries_its_code(open_nvml: Nvml, scenario: Any) -> None:
    scenario.set({"system nvmlEventSetWait_v2": "error 15"})
    with EventSet(open_nvml) as events, pytest.raises(CallFailedError) as caught:
        events.wait(0.01)
    assert caught.value.code == 15


def test_a_set_of_an_older_session_calls_the_driver_no_more(open_nvml: Nvml) -> None:
    with EventSet(open_nvml) as events:
        open_nvml.close()
        with pytest.raises(DriverGoneError, match="has been closed"):
            events.wait(0.01)
        open_nvml.open()
        with pytest.raises(DriverGoneError, match="has been closed"):
            events.wait(0.01)


def test_a_driver_that_is_being_closed_is_left_alone(open_nvml: Nvml) -> None:
    with EventSet(open_nvml) as events:
        open_nvml.closing.set()
        with pytest.raises(DriverGoneError, match="being closed"):
            events.wait(0.01)
        open_nvml.closing.clear()

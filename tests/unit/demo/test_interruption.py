from __future__ import annotations

import signal

import pytest

from vectorwatch.demo.interruption import Interruption, InterruptionError, catch_signals


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_is_noted_and_raises_only_at_the_next_pause(number: signal.Signals) -> None:
    with catch_signals() as interruption:
        signal.raise_signal(number)
        with pytest.raises(InterruptionError):
            interruption.pause(60)


def test_a_second_signal_does_not_disturb_the_end() -> None:
    with catch_signals() as interruption:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(InterruptionError):
            interruption.pause(0)


def test_the_former_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with catch_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_without_a_signal_a_pause_just_ends() -> None:
    Interruption().pause(0)

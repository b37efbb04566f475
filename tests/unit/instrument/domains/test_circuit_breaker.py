"""The circuit breaker: its state as a number, its failures and recoveries."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import track


@pytest.mark.parametrize(("state", "number"), [("closed", 0), ("open", 1), ("half_open", 2)])
def test_a_state_is_its_number(readings: Any, state: str, number: int) -> None:
    track.circuit_breaker_state("timeout", state)
    assert readings.value("db_circuit_breaker_state", failure_type="timeout") == number


def test_a_state_that_no_breaker_has_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="circuit breaker state `ajar`: closed, open, half_open are known"):
        track.circuit_breaker_state("timeout", "ajar")


def test_failures_and_recoveries_are_counted(readings: Any) -> None:
    track.circuit_breaker_failure("timeout")
    track.circuit_breaker_failure("timeout")
    track.circuit_breaker_recovery("timeout")
    assert readings.added("db_circuit_breaker_failures_total", failure_type="timeout") == 2
    assert readings.added("db_circuit_breaker_recoveries_total", failure_type="timeout") == 1

"""Reasons for slow clocks, and the two numberings of their counters."""

from __future__ import annotations

import pytest

from vectorwatch.gpu.clock_events import FIELD_KEYS, OTHER, REASONS, active_reasons, seconds_by_reason
from vectorwatch.gpu.fields import FieldKey, FieldValue

NEW = {269: 3, 270: 4, 271: 5}
OLD = {251: 3, 252: 4, 253: 5}


def counters(seconds: dict[int, float]) -> dict[FieldKey, FieldValue]:
    return {(field, 0): FieldValue(number * 1e9, is_64_bit=True) for field, number in seconds.items()}


def settings(numbers: dict[int, int]) -> dict[FieldKey, FieldValue]:
    return {(field, 0): FieldValue(number, is_64_bit=False) for field, number in numbers.items()}


def test_every_reason_of_the_mask_is_a_state() -> None:
    active = active_reasons(REASONS["sw_power_cap"] | REASONS["hw_thermal"])
    assert {reason for (reason,), number in active.items() if number} == {"sw_power_cap", "hw_thermal"}
    assert len(active) == len(REASONS) + 1


def test_a_bit_that_is_newer_than_the_table_counts_as_other() -> None:
    assert active_reasons(1 << 40)[OTHER,] == 1
    assert active_reasons(0x1FF)[OTHER,] == 0


@pytest.mark.parametrize("branch", [NEW, OLD], ids=["nvml.h of CUDA 13.1", "driver 580"])
def test_both_numberings_give_the_same_seconds(branch: dict[int, float]) -> None:
    seconds = seconds_by_reason(counters({74: 1, 75: 3, 76: 2, **branch}))
    assert seconds == pytest.approx(
        {"sw_power_cap": 1, "sync_boost": 2, "sw_thermal": 3, "hw_thermal": 4, "hw_power_brake": 5}
    )


@pytest.mark.parametrize("ids", [(269, 270, 271), (251, 252, 253)])
def test_power_smoothing_settings_are_not_taken_for_throttle_time(ids: tuple[int, int, int]) -> None:
    values = counters({74: 1, 75: 0, 76: 0}) | settings(dict.fromkeys(ids, 1))
    assert set(seconds_by_reason(values)) == {"sw_power_cap", "sw_thermal", "sync_boost"}


def test_settings_at_one_numbering_do_not_hide_the_counters_of_the_other() -> None:
    values = counters({75: 3, **NEW}) | settings(dict.fromkeys(OLD, 1))
    assert seconds_by_reason(values)["hw_power_brake"] == pytest.approx(5)


def test_a_card_without_counters_has_none() -> None:
    assert seconds_by_reason({}) == {}
    assert len(set(FIELD_KEYS)) == len(FIELD_KEYS)

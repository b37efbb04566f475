"""What the growth of the throttle counter says about its unit."""

from __future__ import annotations

import pytest

from vectorwatch.gpu.check.throttle import Sample, describe, judge
from vectorwatch.gpu.fields import FieldValue

CAPPED, FREE = 0x4, 0x0


def run(units_per_second: float, reasons: int = CAPPED, seconds: int = 30) -> list[Sample]:
    """Return a sample a second of a counter that grows at this rate."""
    return [
        Sample(
            seconds=100.0 + second,
            reasons=reasons,
            power_watts=700,
            fields={74: FieldValue(5e9 + second * units_per_second, is_64_bit=True)},
            violation_nanoseconds={"power": int(second * 1e9)},
        )
        for second in range(seconds + 1)
    ]


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        (run(1e9), "nanoseconds: as microseconds field 74 would have grown 30000 s in 30.0 s"),
        (run(0.2e9, FREE), "nanoseconds: as microseconds field 74 would have grown 6000 s in 30.0 s"),
        (run(1e6), "MICROSECONDS: field 74 grew 30000000 while capped for about 30.0 s"),
        (
            run(0, FREE),
            "undecided: the card was hardly capped; lower its limit with `--power-limit-watts` as root",
        ),
        (run(0.2e6), "undecided: field 74 grew by 6000000 while capped for about 30.0 s"),
        (run(1e12), "WRONG: field 74 grew by 30000000000000 in 30.0 s, too fast even for nanoseconds"),
        ([Sample(0, 0, 0, {}, {}), Sample(1, 0, 0, {}, {})], "undecided: the card has no field 74"),
    ],
)
def test_a_counter_of_time_cannot_outrun_the_clock(samples: list[Sample], verdict: str) -> None:
    assert judge(samples) == verdict


def test_the_table_shows_growth_and_what_is_not_provided() -> None:
    lines = list(describe(run(1e9, seconds=10)))
    assert lines[:3] == [
        "wall time 10.0 s, 11 samples",
        "sw_power_cap active in 100% of the samples",
        "greatest power 700.0 W",
    ]
    assert "field  74 sw_power_cap: 5000000000 -> 15000000000, growth 10000000000 (64 bits)" in lines
    assert "field  75 sw_thermal: not provided" in lines
    assert (
        "nvmlDeviceGetViolationStatus power: -> 10000000000, growth 10000000000 (documented as ns)" in lines
    )

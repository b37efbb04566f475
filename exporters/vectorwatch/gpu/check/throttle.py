"""Which unit and ids the throttle counters of this driver have: what was seen, and what follows from it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vectorwatch.gpu.client import Device, Nvml
from vectorwatch.gpu.fields import FieldValue

# Field -> what it may be. 74 to 79 never moved; the two triples are of two branches of the driver.
FIELDS: dict[int, str] = {
    74: "sw_power_cap",
    75: "sw_thermal",
    76: "sync_boost",
    77: "board_limit",
    78: "low_utilization",
    79: "reliability",
    251: "sw_thermal (driver 580) or power smoothing",
    252: "hw_thermal (driver 580) or power smoothing",
    253: "hw_power_brake (driver 580) or power smoothing",
    269: "sw_thermal (CUDA 13.1 header) or power smoothing",
    270: "hw_thermal (CUDA 13.1 header) or power smoothing",
    271: "hw_power_brake (CUDA 13.1 header) or power smoothing",
}
POLICIES = {"power": 0, "thermal": 1, "sync_boost": 2}
_SW_POWER_CAP_BIT = 0x4
# The driver moves the counters in steps of about 100 ms; a shorter growth decides nothing.
_LEAST_GROWTH_SECONDS = 1.0
_TOLERANCE = 1.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What the driver said at one moment."""

    seconds: float
    reasons: int
    power_watts: float
    fields: dict[int, FieldValue]
    violation_nanoseconds: dict[str, int]


def take(nvml: Nvml, device: Device) -> Sample:
    """Read all counters at once. Raises CardLostError, DriverGoneError."""
    values = nvml.fields(device, [(field, 0) for field in FIELDS])
    violations = {
        name: nvml.ask(device, "nvmlDeviceGetViolationStatus", code) for name, code in POLICIES.items()
    }
    return Sample(
        seconds=time.monotonic(),
        reasons=nvml.ask(device, "nvmlDeviceGetCurrentClocksEventReasons") or 0,
        power_watts=(nvml.ask(device, "nvmlDeviceGetPowerUsage") or 0) / 1000,
        fields={field: value for (field, _), value in values.items()},
        violation_nanoseconds={name: int(v.violationTime) for name, v in violations.items() if v is not None},
    )


def describe(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield a table of the first and last value of each counter."""
    first, last = samples[0], samples[-1]
    yield f"wall time {last.seconds - first.seconds:.1f} s, {len(samples)} samples"
    capped = sum(sample.reasons & _SW_POWER_CAP_BIT != 0 for sample in samples) / len(samples)
    yield f"sw_power_cap active in {capped:.0%} of the samples"
    yield f"greatest power {max(sample.power_watts for sample in samples):.1f} W"
    for field, name in FIELDS.items():
        if field not in last.fields:
            yield f"field {field:3} {name}: not provided"
            continue
        start = first.fields[field].number if field in first.fields else 0
        width = "64 bits" if last.fields[field].is_64_bit else "32 bits or signed"
        end = last.fields[field].number
        yield f"field {field:3} {name}: {start:.0f} -> {end:.0f}, growth {end - start:.0f} ({width})"
    for name, end_nanoseconds in last.violation_nanoseconds.items():
        growth = end_nanoseconds - first.violation_nanoseconds.get(name, 0)
        yield f"nvmlDeviceGetViolationStatus {name}: -> {end_nanoseconds}, growth {growth} (documented as ns)"


def judge(samples: Sequence[Sample]) -> str:
    """Return which unit the growth of field 74 can have; a time cannot grow faster than the clock."""
    first, last = samples[0], samples[-1]
    if 74 not in first.fields or 74 not in last.fields:
        return "undecided: the card has no field 74"
    wall = last.seconds - first.seconds
    growth = last.fields[74].number - first.fields[74].number
    if growth * 1e-9 > wall * _TOLERANCE:
        return f"WRONG: field 74 grew by {growth:.0f} in {wall:.1f} s, too fast even for nanoseconds"
    if growth * 1e-6 > wall * _TOLERANCE:
        return f"nanoseconds: as microseconds field 74 would have grown {growth * 1e-6:.0f} s in {wall:.1f} s"
    if growth * 1e-6 < _LEAST_GROWTH_SECONDS:
        return "undecided: the card was hardly capped; lower its limit with `--power-limit-watts` as root"
    expected = _capped_seconds(samples)
    if expected > _LEAST_GROWTH_SECONDS and growth * 1e-6 > expected / 2:
        return f"MICROSECONDS: field 74 grew {growth:.0f} while capped for about {expected:.1f} s"
    return f"undecided: field 74 grew by {growth:.0f} while capped for about {expected:.1f} s"


def _capped_seconds(samples: Sequence[Sample]) -> float:
    """Return for how long the power cap was seen active."""
    return sum(
        (after.seconds - before.seconds)
        for before, after in pairwise(samples)
        if before.reasons & after.reasons & _SW_POWER_CAP_BIT
    )

"""Why a card runs slower than it could (NVML: clock event or throttle reasons), and for how long."""

from __future__ import annotations

from collections.abc import Mapping

from .fields import FieldKey, FieldValues

# Bits of nvmlDeviceGetCurrentClocksEventReasons.
REASONS: Mapping[str, int] = {
    "gpu_idle": 0x1,
    "application_clocks": 0x2,
    "sw_power_cap": 0x4,
    "hw_slowdown": 0x8,
    "sync_boost": 0x10,
    "sw_thermal": 0x20,
    "hw_thermal": 0x40,
    "hw_power_brake": 0x80,
    "display_clocks": 0x100,
}
_KNOWN_BITS = sum(REASONS.values())
OTHER = "other"

# nvml.h of CUDA 13.1 and newer: "All counters are in nanoseconds"; nvidia-smi shows them in microseconds.
_SECONDS_PER_UNIT = 1e-9

_STABLE: Mapping[str, FieldKey] = {"sw_power_cap": (74, 0), "sw_thermal": (75, 0), "sync_boost": (76, 0)}

# nvidia-smi 580 asks for the hardware counters at 252 and 253, nvml.h of CUDA 13.1 and newer has them at
# 270 and 271; either uses the other's ids for power smoothing, whose values are 32 bits wide. The software
# thermal counter moved along (251, 269) and confirms the branch; it is read from its older id, 75, which
# never moved.
_BRANCHES: tuple[Mapping[str, FieldKey], ...] = (
    {"sw_thermal": (269, 0), "hw_thermal": (270, 0), "hw_power_brake": (271, 0)},
    {"sw_thermal": (251, 0), "hw_thermal": (252, 0), "hw_power_brake": (253, 0)},
)

FIELD_KEYS: tuple[FieldKey, ...] = (
    *_STABLE.values(),
    *(key for branch in _BRANCHES for key in branch.values()),
)


def active_reasons(mask: int) -> dict[tuple[str, ...], float]:
    """Return 1 or 0 for every reason; bits that are newer than this table count as `other`."""
    active: dict[tuple[str, ...], float] = {(name,): int(mask & bit != 0) for name, bit in REASONS.items()}
    active[OTHER,] = int(mask & ~_KNOWN_BITS != 0)
    return active


def seconds_by_reason(values: FieldValues) -> dict[str, float]:
    """Return the seconds spent under each reason since the driver was loaded."""
    keys = dict(_branch_of(values))
    keys.update(_STABLE)
    return {
        reason: values[key].number * _SECONDS_PER_UNIT
        for reason, key in keys.items()
        if key in values and values[key].is_64_bit
    }


def _branch_of(values: FieldValues) -> Mapping[str, FieldKey]:
    for branch in _BRANCHES:
        if all(key in values and values[key].is_64_bit for key in branch.values()):
            return branch
    return {}

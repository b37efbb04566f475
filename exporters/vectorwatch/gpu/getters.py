"""NVML calls that have no field value: which function, with what, and which attributes of a card it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Call = tuple[str, tuple[Any, ...]]
"""Name of a pynvml function and its arguments after the device."""

_MILLI = 1e-3
_MEGA = 1e6
MEMORY_V2 = 0x02000028
"""nvmlMemory_v2: the size of its structure and version 2."""


@dataclass(frozen=True, slots=True)
class Getter:
    """Alternatives are asked in order until the card knows one; `read` turns its answer into attributes."""

    alternatives: tuple[Call, ...]
    read: Callable[[Any], Mapping[str, Any]]


def _call(function: str, *arguments: Any) -> Call:
    return function, arguments


def _one(attribute: str, *alternatives: Call, factor: float = 1) -> Getter:
    return Getter(alternatives, lambda answer: {attribute: _scaled(answer, factor)})


def _scaled(value: Any, factor: float) -> float | None:
    known = number(value)
    return known if known is None or factor == 1 else known * factor


def number(value: Any) -> float | None:
    """Return `value`, or None where all bits are set: NVML's "not available"."""
    return None if value in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF) else value


def ratio(percent: int) -> float | None:
    """Return a share of time in [0, 1]; None for a percentage that cannot be one."""
    return percent / 100 if 0 <= percent <= 100 else None


def _utilization(answer: Any) -> Mapping[str, Any]:
    return {
        "utilization_ratio": ratio(answer.gpu),
        "memory_controller_utilization_ratio": ratio(answer.memory),
    }


def _engine(attribute: str, function: str) -> Getter:
    return Getter((_call(function),), lambda answer: {attribute: ratio(answer[0])})


def memory_bytes(answer: Any) -> dict[str, Any]:
    """Return total, used and free, and what the driver reserves where the structure (version 2) tells."""
    return {
        "memory_total_bytes": number(answer.total),
        "memory_used_bytes": number(answer.used),
        "memory_free_bytes": number(answer.free),
        # Version 1 counts the reserve as used.
        "memory_reserved_bytes": number(getattr(answer, "reserved", None)),
    }


MEMORY_CALLS = (
    _call("nvmlDeviceGetMemoryInfo", MEMORY_V2),
    _call("nvmlDeviceGetMemoryInfo"),
)

# nvmlPstates_t: 0 is the fastest of 16 states, 32 means unknown.
_PERFORMANCE_STATES = 16

_THRESHOLDS = {
    "temperature_shutdown_celsius": 0,
    "temperature_slowdown_celsius": 1,
    "memory_temperature_max_operating_celsius": 2,
    "temperature_max_operating_celsius": 3,
}

IDENTITY: tuple[Getter, ...] = (
    Getter((_call("nvmlDeviceGetName"),), lambda name: {"name": name}),
    Getter((_call("nvmlDeviceGetPciInfo"),), lambda pci: {"pci_bus_id": pci.busId}),
    Getter((_call("nvmlDeviceGetSerial"),), lambda serial: {"serial": serial}),
    Getter((_call("nvmlDeviceGetVbiosVersion"),), lambda version: {"vbios_version": version}),
    Getter(
        (_call("nvmlDeviceGetCudaComputeCapability"),),
        lambda parts: {"compute_capability": f"{parts[0]}.{parts[1]}"},
    ),
)

READINGS: tuple[Getter, ...] = (
    Getter((_call("nvmlDeviceGetUtilizationRates"),), _utilization),
    _engine("encoder_utilization_ratio", "nvmlDeviceGetEncoderUtilization"),
    _engine("decoder_utilization_ratio", "nvmlDeviceGetDecoderUtilization"),
    _engine("jpeg_utilization_ratio", "nvmlDeviceGetJpgUtilization"),
    _engine("optical_flow_utilization_ratio", "nvmlDeviceGetOfaUtilization"),
    Getter(MEMORY_CALLS, memory_bytes),
    Getter(
        (_call("nvmlDeviceGetBAR1MemoryInfo"),),
        lambda bar: {
            "bar1_memory_total_bytes": number(bar.bar1Total),
            "bar1_memory_used_bytes": number(bar.bar1Used),
        },
    ),
    # The older call goes away with CUDA 14.
    _one("temperature_celsius", _call("nvmlDeviceGetTemperatureV", 0), _call("nvmlDeviceGetTemperature", 0)),
    _one("margin_celsius", _call("nvmlDeviceGetMarginTemperature")),
    *(
        _one(attribute, _call("nvmlDeviceGetTemperatureThreshold", threshold))
        for attribute, threshold in _THRESHOLDS.items()
    ),
    _one("power_watts", _call("nvmlDeviceGetPowerUsage"), factor=_MILLI),
    _one("power_limit_watts", _call("nvmlDeviceGetPowerManagementLimit"), factor=_MILLI),
    _one("power_enforced_limit_watts", _call("nvmlDeviceGetEnforcedPowerLimit"), factor=_MILLI),
    _one("power_default_limit_watts", _call("nvmlDeviceGetPowerManagementDefaultLimit"), factor=_MILLI),
    Getter(
        (_call("nvmlDeviceGetPowerManagementLimitConstraints"),),
        lambda limits: {
            "power_minimum_limit_watts": _scaled(limits[0], _MILLI),
            "power_maximum_limit_watts": _scaled(limits[1], _MILLI),
        },
    ),
    _one(
        "clock_event_reasons",
        _call("nvmlDeviceGetCurrentClocksEventReasons"),
        _call("nvmlDeviceGetCurrentClocksThrottleReasons"),
    ),
    Getter(
        (_call("nvmlDeviceGetPerformanceState"),),
        lambda state: {"performance_state": state if state < _PERFORMANCE_STATES else None},
    ),
    _one("pcie_link_generation", _call("nvmlDeviceGetCurrPcieLinkGeneration")),
    _one("pcie_link_generation_max", _call("nvmlDeviceGetMaxPcieLinkGeneration")),
    _one("pcie_link_lanes", _call("nvmlDeviceGetCurrPcieLinkWidth")),
    _one("pcie_link_lanes_max", _call("nvmlDeviceGetMaxPcieLinkWidth")),
    Getter(
        (_call("nvmlDeviceGetMigMode"),),
        lambda modes: {"mig_enabled": modes[0], "mig_pending_enabled": modes[1]},
    ),
)

# Each takes 20 ms in the driver. KB is read as 1,000 bytes; NVIDIA does not say whether it means 1,024.
PCIE_SAMPLES: tuple[Getter, ...] = (
    _one("pcie_transmit_bytes_per_second", _call("nvmlDeviceGetPcieThroughput", 0), factor=1_000),
    _one("pcie_receive_bytes_per_second", _call("nvmlDeviceGetPcieThroughput", 1), factor=1_000),
)

CLOCKS: Mapping[str, int] = {"graphics": 0, "sm": 1, "memory": 2, "video": 3}
CLOCK_HERTZ = _MEGA

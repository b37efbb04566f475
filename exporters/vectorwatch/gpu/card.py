"""Read one card: the tables of `getters` and `fields`, then what takes more than one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import clock_events, nvlink
from .client import Device, Nvml
from .fields import PLAIN_KEYS, RECOVERY_ACTION, plain_values
from .getters import (
    CLOCK_HERTZ,
    CLOCKS,
    IDENTITY,
    MEMORY_CALLS,
    PCIE_SAMPLES,
    READINGS,
    Getter,
    memory_bytes,
    number,
)
from .snapshot import Card, MigInstance, Versions

_FIELD_KEYS = (*PLAIN_KEYS, *clock_events.FIELD_KEYS, *nvlink.FIELD_KEYS, RECOVERY_ACTION)
_PROCESS_CALLS = (
    ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"),
    ("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What to read beyond the cheap and bounded."""

    processes: bool = False
    max_processes_per_card: int = 64
    pcie_throughput_sampling: bool = False


def read_card(nvml: Nvml, device: Device, versions: Versions, options: Options) -> Card:
    """Return all that a card says. Raises CardLostError, DriverGoneError."""
    known = _read_all(nvml, device, (*IDENTITY, *READINGS))
    values = nvml.fields(device, _FIELD_KEYS)
    known.update(plain_values(values))
    known.update(nvlink.read_links(nvml, device, values))
    known["clock_event_seconds"] = clock_events.seconds_by_reason(values)
    if RECOVERY_ACTION in values:
        known["recovery_action"] = int(values[RECOVERY_ACTION].number)
    known["clocks_hertz"] = _read_clocks(nvml, device, "nvmlDeviceGetClockInfo")
    known["max_clocks_hertz"] = _read_clocks(nvml, device, "nvmlDeviceGetMaxClockInfo")
    known["fan_speed_ratios"] = _read_fans(nvml, device)
    if known.get("mig_enabled"):
        known["mig_instances"] = tuple(_read_mig_instances(nvml, device))
    if options.pcie_throughput_sampling and known.get("pcie_transmit_bytes") is None:
        known.update(_read_all(nvml, device, PCIE_SAMPLES))
    if options.processes:
        known.update(_read_processes(nvml, device, options.max_processes_per_card))
    return Card(uuid=device.uuid, index=device.index, versions=versions, **known)


def _read_all(nvml: Nvml, device: Device, getters: Sequence[Getter]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for getter in getters:
        known.update(_read(nvml, device, getter.alternatives, getter.read))
    return {attribute: value for attribute, value in known.items() if value is not None}


def _read(
    nvml: Nvml,
    device: Device,
    alternatives: Sequence[tuple[str, tuple[Any, ...]]],
    read: Callable[[Any], Mapping[str, Any]],
) -> Mapping[str, Any]:
    for function, arguments in alternatives:
        answer = nvml.ask(device, function, *arguments)
        if answer is not None:
            try:
                return read(answer)
            except UnicodeDecodeError:
                device.failures.append(f"{function}: not UTF-8")
    return {}


def _read_clocks(nvml: Nvml, device: Device, function: str) -> dict[str, float]:
    answers = {clock: number(nvml.ask(device, function, code)) for clock, code in CLOCKS.items()}
    return {clock: megahertz * CLOCK_HERTZ for clock, megahertz in answers.items() if megahertz is not None}


def _read_fans(nvml: Nvml, device: Device) -> dict[int, float]:
    speeds = {}
    for fan in range(nvml.ask(device, "nvmlDeviceGetNumFans") or 0):
        percent = number(nvml.ask(device, "nvmlDeviceGetFanSpeed_v2", fan))
        if percent is not None:
            speeds[fan] = percent / 100
    return speeds


def _read_mig_instances(nvml: Nvml, device: Device) -> Iterator[MigInstance]:
    for slot in range(nvml.ask(device, "nvmlDeviceGetMaxMigDeviceCount") or 0):
        handle = nvml.ask(device, "nvmlDeviceGetMigDeviceHandleByIndex", slot)
        if handle is None:
            continue  # slots of instances that were deleted stay empty
        # Its own set of unknown calls: instances come and go under the same slot.
        instance = Device(device.uuid, slot, handle, failures=device.failures)
        gpu_instance_id = nvml.ask(instance, "nvmlDeviceGetGpuInstanceId")
        compute_instance_id = nvml.ask(instance, "nvmlDeviceGetComputeInstanceId")
        if gpu_instance_id is None or compute_instance_id is None:
            continue
        memory = dict(_read(nvml, instance, MEMORY_CALLS, memory_bytes))
        memory.pop("memory_reserved_bytes", None)
        yield MigInstance(
            gpu_instance_id=gpu_instance_id,
            compute_instance_id=compute_instance_id,
            uuid=nvml.ask(instance, "nvmlDeviceGetUUID") or "",
            name=nvml.ask(instance, "nvmlDeviceGetName") or "",
            **memory,
        )


def _read_processes(nvml: Nvml, device: Device, most: int) -> dict[str, Any]:
    """Return how many processes use the card and the memory of those that use most.

    A process with compute and graphics contexts stands in both lists with the same memory.
    """
    memory: dict[int, float] = {}
    answered = False
    for versions in _PROCESS_CALLS:
        for function in versions:
            processes = nvml.ask(device, function)
            if processes is None:
                continue
            answered = True
            for process in processes:
                used = process.usedGpuMemory or 0
                memory[process.pid] = max(memory.get(process.pid, 0), used)
            break
    if not answered:
        return {}
    largest = sorted(memory.items(), key=lambda item: item[1], reverse=True)[:most]
    return {
        "processes": len(memory),
        "process_memory_used_bytes": {pid: used for pid, used in largest if used},
    }

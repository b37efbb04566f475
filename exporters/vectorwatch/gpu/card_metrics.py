"""The metrics of one card.

Series of a card carry its `uuid` and nothing else that describes it: an index can change with a reboot or
with a card that is lost, which would start new series for every card behind it. Names and places come from
a join: `gpu_temperature_celsius * on (uuid) group_left (name, index) gpu_info`.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter

from vectorwatch.serve.metric import Kind, Labels, Metric, Table

from .clock_events import active_reasons
from .snapshot import Card

_RECOVERY_ACTIONS = (
    "none",
    "gpu_reset",
    "node_reboot",
    "drain_p2p",
    "drain_and_reset",
    "recover_imex_domain",
    "bus_reset",
    "system_reboot",
)


def _gauge(name: str, help_text: str) -> Metric[Card]:
    """Return a gauge of the attribute that has the metric's name without `gpu_`."""
    return Metric(name, help_text, attrgetter(name.removeprefix("gpu_")))


def _counter(name: str, help_text: str) -> Metric[Card]:
    attribute = name.removeprefix("gpu_").removesuffix("_total")
    return Metric(name, help_text, attrgetter(attribute), kind=Kind.COUNTER)


def _labelled(name: str, help_text: str, label: str, attribute: str) -> Metric[Card]:
    """Return a metric whose attribute maps the values of `label` to numbers."""

    def read(card: Card) -> Mapping[Labels, float]:
        return {(str(key),): number for key, number in getattr(card, attribute).items()}

    kind = Kind.COUNTER if name.endswith("_total") else Kind.GAUGE
    return Metric(name, help_text, read, labels=(label,), kind=kind)


def _pair(
    name: str, help_text: str, label: str, attributes: Mapping[str, str], kind: Kind = Kind.GAUGE
) -> Metric[Card]:
    """Return a metric of several attributes, told apart by `label`."""

    def read(card: Card) -> Mapping[Labels, float]:
        numbers = {(key,): getattr(card, attribute) for key, attribute in attributes.items()}
        return {labels: number for labels, number in numbers.items() if number is not None}

    return Metric(name, help_text, read, labels=(label,), kind=kind)


def _info(card: Card) -> Mapping[Labels, float]:
    versions = card.versions
    identity = (card.name, str(card.index), card.pci_bus_id, card.serial, card.vbios_version)
    return {(*identity, card.compute_capability, versions.driver, versions.nvml, versions.cuda): 1}


def _vram_utilization(card: Card) -> float | None:
    if card.memory_used_bytes is None or not card.memory_total_bytes:
        return None
    return card.memory_used_bytes / card.memory_total_bytes


def _margin(threshold: str, margin_limit: str) -> Metric[Card]:
    """Return the degrees left to a limit, whichever way this generation of cards tells it."""

    def read(card: Card) -> float | None:
        limit = getattr(card, margin_limit)
        if card.margin_celsius is not None and limit is not None:
            return float(card.margin_celsius - limit)
        absolute = getattr(card, threshold)
        if card.temperature_celsius is None or absolute is None:
            return None
        return float(absolute - card.temperature_celsius)

    what = "shuts down" if "shutdown" in threshold else "is slowed down by its hardware"
    name = threshold.removesuffix("_celsius") + "_margin_celsius"
    return Metric(
        f"gpu_{name}",
        f"Degrees left until the card {what} (`nvmlDeviceGetMarginTemperature` less its T.Limit threshold; "
        "on older cards `nvmlDeviceGetTemperatureThreshold` less the temperature).",
        read,
    )


def _clock_events(card: Card) -> Mapping[Labels, float] | None:
    return None if card.clock_event_reasons is None else active_reasons(card.clock_event_reasons)


def _recovery_action(card: Card) -> Mapping[Labels, float] | None:
    if card.recovery_action is None:
        return None
    states: dict[Labels, float] = {
        (name,): int(card.recovery_action == number) for number, name in enumerate(_RECOVERY_ACTIONS)
    }
    states["other",] = int(card.recovery_action >= len(_RECOVERY_ACTIONS))
    return states


_IDENTITY: tuple[Metric[Card], ...] = (
    Metric(
        "gpu_info",
        "Identity and versions of a card; always 1. `cuda_version` is the newest that the driver can run.",
        _info,
        labels=(
            "name",
            "index",
            "pci_bus_id",
            "serial",
            "vbios_version",
            "compute_capability",
            "driver_version",
            "nvml_version",
            "cuda_version",
        ),
    ),
)

_LOAD: tuple[Metric[Card], ...] = (
    _gauge(
        "gpu_utilization_ratio",
        "Share of time in which a kernel ran (`nvmlDeviceGetUtilizationRates` gpu); absent under MIG.",
    ),
    _gauge(
        "gpu_memory_controller_utilization_ratio",
        "Share of time in which memory was read or written (`nvmlDeviceGetUtilizationRates` memory).",
    ),
    _gauge("gpu_encoder_utilization_ratio", "Share of time (`nvmlDeviceGetEncoderUtilization`)."),
    _gauge("gpu_decoder_utilization_ratio", "Share of time (`nvmlDeviceGetDecoderUtilization`)."),
    _gauge("gpu_jpeg_utilization_ratio", "Share of time (`nvmlDeviceGetJpgUtilization`)."),
    _gauge("gpu_optical_flow_utilization_ratio", "Share of time (`nvmlDeviceGetOfaUtilization`)."),
    _gauge("gpu_memory_total_bytes", "Memory of the card (`nvmlDeviceGetMemoryInfo_v2` total)."),
    _gauge(
        "gpu_memory_used_bytes",
        "Memory in use (`nvmlDeviceGetMemoryInfo_v2` used; drivers before 510 count the reserve in).",
    ),
    _gauge("gpu_memory_free_bytes", "Free memory (`nvmlDeviceGetMemoryInfo_v2` free)."),
    _gauge("gpu_memory_reserved_bytes", "Memory the driver keeps (`nvmlDeviceGetMemoryInfo_v2` reserved)."),
    Metric(
        "gpu_vram_utilization_ratio",
        "Memory used over total (`nvmlDeviceGetMemoryInfo_v2`).",
        _vram_utilization,
    ),
    _gauge(
        "gpu_bar1_memory_total_bytes", "Memory that can be mapped by the CPU (`nvmlDeviceGetBAR1MemoryInfo`)."
    ),
    _gauge("gpu_bar1_memory_used_bytes", "Memory that is mapped by the CPU (`nvmlDeviceGetBAR1MemoryInfo`)."),
)

_HEAT_AND_POWER: tuple[Metric[Card], ...] = (
    _gauge("gpu_temperature_celsius", "Temperature of the chip (`nvmlDeviceGetTemperatureV`)."),
    _gauge("gpu_memory_temperature_celsius", "Temperature of HBM (field 82); absent on GDDR cards."),
    _gauge(
        "gpu_temperature_shutdown_celsius",
        "Temperature at which the card shuts down (`nvmlDeviceGetTemperatureThreshold`).",
    ),
    _gauge(
        "gpu_temperature_slowdown_celsius",
        "Temperature at which the hardware slows the card down (`nvmlDeviceGetTemperatureThreshold`).",
    ),
    _gauge(
        "gpu_temperature_max_operating_celsius",
        "Greatest temperature to operate at (`nvmlDeviceGetTemperatureThreshold`).",
    ),
    _gauge(
        "gpu_memory_temperature_max_operating_celsius",
        "Greatest temperature of memory to operate at (`nvmlDeviceGetTemperatureThreshold`).",
    ),
    _margin("temperature_slowdown_celsius", "margin_slowdown_celsius"),
    _margin("temperature_shutdown_celsius", "margin_shutdown_celsius"),
    _gauge("gpu_power_watts", "Power drawn, average of one second since Ampere (`nvmlDeviceGetPowerUsage`)."),
    _gauge("gpu_power_instant_watts", "Power drawn at this moment (field 186)."),
    _gauge("gpu_power_limit_watts", "Limit that was asked for (`nvmlDeviceGetPowerManagementLimit`)."),
    _gauge("gpu_power_enforced_limit_watts", "Limit in force (`nvmlDeviceGetEnforcedPowerLimit`)."),
    _gauge(
        "gpu_power_default_limit_watts",
        "Limit after power-up (`nvmlDeviceGetPowerManagementDefaultLimit`).",
    ),
    _gauge(
        "gpu_power_minimum_limit_watts",
        "Least limit that can be set (`nvmlDeviceGetPowerManagementLimitConstraints`).",
    ),
    _gauge(
        "gpu_power_maximum_limit_watts",
        "Greatest limit that can be set (`nvmlDeviceGetPowerManagementLimitConstraints`).",
    ),
    _counter("gpu_energy_joules_total", "Energy used since the driver was loaded (field 83)."),
    _labelled(
        "gpu_fan_speed_ratio",
        "Speed the fan is told to run at (`nvmlDeviceGetFanSpeed_v2`).",
        "fan",
        "fan_speed_ratios",
    ),
)

_CLOCKS: tuple[Metric[Card], ...] = (
    _labelled("gpu_clock_hertz", "Clock (`nvmlDeviceGetClockInfo`).", "clock", "clocks_hertz"),
    _labelled(
        "gpu_clock_max_hertz", "Greatest clock (`nvmlDeviceGetMaxClockInfo`).", "clock", "max_clocks_hertz"
    ),
    Metric(
        "gpu_clock_event_active",
        "1 for each reason that holds the clocks down now (`nvmlDeviceGetCurrentClocksEventReasons`); "
        "`gpu_idle` and `sw_power_cap` are normal.",
        _clock_events,
        labels=("reason",),
    ),
    _labelled(
        "gpu_clock_event_seconds_total",
        "Time under each reason since the driver was loaded (fields 74 to 76, 251 to 253, 269 to 271, read "
        "as nanoseconds).",
        "reason",
        "clock_event_seconds",
    ),
    _gauge(
        "gpu_performance_state", "P-state, 0 (fastest) to 15 (slowest) (`nvmlDeviceGetPerformanceState`)."
    ),
)

_HEALTH: tuple[Metric[Card], ...] = (
    Metric(
        "gpu_recovery_action",
        "1 for the action that the driver asks for (field 230, driver 570 and newer).",
        _recovery_action,
        labels=("action",),
    ),
    _gauge("gpu_ecc_enabled", "1 if memory is checked for errors (field 1)."),
    _gauge("gpu_ecc_pending_enabled", "1 if it will be after the next reboot (field 2)."),
    _pair(
        "gpu_ecc_volatile_errors_total",
        "Memory errors since the driver was loaded (fields 3 and 4).",
        "error",
        {"corrected": "ecc_volatile_corrected", "uncorrected": "ecc_volatile_uncorrected"},
        Kind.COUNTER,
    ),
    _pair(
        "gpu_ecc_aggregate_errors_total",
        "Memory errors in the life of the card (fields 5 and 6).",
        "error",
        {"corrected": "ecc_aggregate_corrected", "uncorrected": "ecc_aggregate_uncorrected"},
        Kind.COUNTER,
    ),
    _pair(
        "gpu_remapped_rows",
        "Memory rows replaced by spare ones (fields 142 and 143, Ampere and newer).",
        "error",
        {"corrected": "remapped_rows_corrected", "uncorrected": "remapped_rows_uncorrected"},
    ),
    _gauge("gpu_row_remap_pending", "1 if rows will be replaced at the next reset (field 144)."),
    _gauge("gpu_row_remap_failure", "1 if replacing a row failed: return the card (field 145)."),
    _pair(
        "gpu_retired_pages",
        "Memory pages taken out of use (fields 29 and 30, before Ampere).",
        "error",
        {"single_bit": "retired_pages_single_bit", "double_bit": "retired_pages_double_bit"},
    ),
    _gauge("gpu_retired_pages_pending", "1 if pages will be taken out at the next reboot (field 31)."),
)

_LINKS: tuple[Metric[Card], ...] = (
    _gauge(
        "gpu_pcie_link_generation",
        "PCIe generation now (`nvmlDeviceGetCurrPcieLinkGeneration`); drops while idle.",
    ),
    _gauge(
        "gpu_pcie_link_generation_max",
        "Greatest that card and slot can do (`nvmlDeviceGetMaxPcieLinkGeneration`).",
    ),
    _gauge("gpu_pcie_link_lanes", "PCIe lanes now (`nvmlDeviceGetCurrPcieLinkWidth`)."),
    _gauge("gpu_pcie_link_lanes_max", "Most that card and slot can do (`nvmlDeviceGetMaxPcieLinkWidth`)."),
    _counter("gpu_pcie_replays_total", "PCIe packets sent again (field 94, 32 bits wide)."),
    _counter("gpu_pcie_transmit_bytes_total", "Bytes sent by the card (field 197, if of 64 bits)."),
    _counter("gpu_pcie_receive_bytes_total", "Bytes received by the card (field 198, if of 64 bits)."),
    _gauge(
        "gpu_pcie_transmit_bytes_per_second",
        "Rate over 20 ms (`nvmlDeviceGetPcieThroughput`, KB read as 1,000 bytes); setting "
        "`pcie_throughput_sampling`.",
    ),
    _gauge(
        "gpu_pcie_receive_bytes_per_second",
        "Rate over 20 ms (`nvmlDeviceGetPcieThroughput`, KB read as 1,000 bytes); setting "
        "`pcie_throughput_sampling`.",
    ),
    _labelled(
        "gpu_nvlink_active", "1 if the link is up (`nvmlDeviceGetNvLinkState`).", "link", "nvlink_active"
    ),
    _labelled(
        "gpu_nvlink_errors_total",
        "Errors on all links (fields 38, 45, 52, 59, 160; else 161 to 163 by link).",
        "error",
        "nvlink_errors",
    ),
    _counter("gpu_nvlink_transmit_bytes_total", "Bytes sent on all links (field 138; else 202 by link)."),
    _counter("gpu_nvlink_receive_bytes_total", "Bytes received on all links (field 139; else 204 by link)."),
)

_SHARING: tuple[Metric[Card], ...] = (
    _gauge("gpu_mig_enabled", "1 if the card is in MIG mode (`nvmlDeviceGetMigMode`)."),
    _gauge("gpu_mig_pending_enabled", "1 if it will be after the next reset (`nvmlDeviceGetMigMode`)."),
    _gauge(
        "gpu_processes",
        "Processes on the card (`nvmlDeviceGetComputeRunningProcesses`, `…Graphics…`); setting `processes`.",
    ),
    _labelled(
        "gpu_process_memory_used_bytes",
        "Memory of the processes that use most (`usedGpuMemory`); setting `processes`.",
        "pid",
        "process_memory_used_bytes",
    ),
)

CARD_TABLE: Table[Card] = Table(
    (*_IDENTITY, *_LOAD, *_HEAT_AND_POWER, *_CLOCKS, *_HEALTH, *_LINKS, *_SHARING),
    labels=("uuid",),
    key=lambda card: (card.uuid,),
)

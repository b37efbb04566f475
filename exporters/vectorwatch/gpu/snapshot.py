"""What one scrape read, in base units. None and empty mean that the card does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of the driver; empty where it does not say."""

    driver: str = ""
    nvml: str = ""
    cuda: str = ""
    """Newest CUDA that the driver can run, not the one that is installed."""


@dataclass(frozen=True, slots=True)
class MigInstance:
    """A slice of a card."""

    gpu_instance_id: int
    compute_instance_id: int
    uuid: str
    name: str
    memory_total_bytes: float | None = None
    memory_used_bytes: float | None = None
    memory_free_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One card. Names of the fields are the names that the tables of `getters` and `fields` fill."""

    uuid: str
    index: int
    name: str = ""
    pci_bus_id: str = ""
    serial: str = ""
    vbios_version: str = ""
    compute_capability: str = ""
    versions: Versions = Versions()

    utilization_ratio: float | None = None
    memory_controller_utilization_ratio: float | None = None
    encoder_utilization_ratio: float | None = None
    decoder_utilization_ratio: float | None = None
    jpeg_utilization_ratio: float | None = None
    optical_flow_utilization_ratio: float | None = None

    memory_total_bytes: float | None = None
    memory_used_bytes: float | None = None
    memory_free_bytes: float | None = None
    memory_reserved_bytes: float | None = None
    bar1_memory_total_bytes: float | None = None
    bar1_memory_used_bytes: float | None = None

    temperature_celsius: float | None = None
    memory_temperature_celsius: float | None = None
    temperature_shutdown_celsius: float | None = None
    temperature_slowdown_celsius: float | None = None
    temperature_max_operating_celsius: float | None = None
    memory_temperature_max_operating_celsius: float | None = None
    margin_celsius: float | None = None
    """Degrees left to the greatest operating temperature (T.Limit, Ada and newer data-centre cards)."""
    margin_shutdown_celsius: float | None = None
    """The margin at which the card shuts down: zero or below."""
    margin_slowdown_celsius: float | None = None
    """The margin at which the hardware slows the card down: zero or below."""

    power_watts: float | None = None
    power_instant_watts: float | None = None
    power_limit_watts: float | None = None
    power_enforced_limit_watts: float | None = None
    power_default_limit_watts: float | None = None
    power_minimum_limit_watts: float | None = None
    power_maximum_limit_watts: float | None = None
    energy_joules: float | None = None

    clocks_hertz: Mapping[str, float] = field(default_factory=dict)
    max_clocks_hertz: Mapping[str, float] = field(default_factory=dict)
    clock_event_reasons: int | None = None
    """Bit mask; see `clock_events.REASONS`."""
    clock_event_seconds: Mapping[str, float] = field(default_factory=dict)
    performance_state: float | None = None

    ecc_enabled: float | None = None
    ecc_pending_enabled: float | None = None
    ecc_volatile_corrected: float | None = None
    ecc_volatile_uncorrected: float | None = None
    ecc_aggregate_corrected: float | None = None
    ecc_aggregate_uncorrected: float | None = None
    remapped_rows_corrected: float | None = None
    remapped_rows_uncorrected: float | None = None
    row_remap_pending: float | None = None
    row_remap_failure: float | None = None
    retired_pages_single_bit: float | None = None
    retired_pages_double_bit: float | None = None
    retired_pages_pending: float | None = None

    pcie_link_generation: float | None = None
    pcie_link_generation_max: float | None = None
    pcie_link_lanes: float | None = None
    pcie_link_lanes_max: float | None = None
    pcie_replays: float | None = None
    pcie_transmit_bytes: float | None = None
    pcie_receive_bytes: float | None = None
    pcie_transmit_bytes_per_second: float | None = None
    pcie_receive_bytes_per_second: float | None = None

    nvlink_active: Mapping[int, float] = field(default_factory=dict)
    nvlink_errors: Mapping[str, float] = field(default_factory=dict)
    nvlink_transmit_bytes: float | None = None
    nvlink_receive_bytes: float | None = None

    fan_speed_ratios: Mapping[int, float] = field(default_factory=dict)
    recovery_action: int | None = None
    mig_enabled: float | None = None
    mig_pending_enabled: float | None = None
    mig_instances: tuple[MigInstance, ...] = ()
    processes: float | None = None
    process_memory_used_bytes: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the driver said in one scrape."""

    count: int
    """Cards that the driver lists, exported or not."""
    cards: tuple[Card, ...] = ()
    lost: tuple[str, ...] = ()
    """UUIDs of cards that are listed, or were before, and do not answer."""
    failures: tuple[str, ...] = ()
    """Calls that failed for a reason other than that the card does not know them."""

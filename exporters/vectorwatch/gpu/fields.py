"""NVML field values: many numbers of a card in one call of the driver, each with its own answer code.

Numbers are those of `nvml.h` (CUDA 13.3), where the names begin with `NVML_FI_`. They are written out here
because the header has renumbered some of them; see `clock_events`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FieldKey = tuple[int, int]
"""Field id and scope id; the scope is 0 unless a field is asked for each link."""

RECOVERY_ACTION: FieldKey = (230, 0)


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A number that a card gave; `is_64_bit` tells a counter from a setting that reuses its id."""

    number: float
    is_64_bit: bool


FieldValues = Mapping[FieldKey, FieldValue]

_MILLI = 1e-3

# Attribute of snapshot.Card -> field, factor to base units.
_PLAIN: Mapping[str, tuple[FieldKey, float]] = {
    "ecc_enabled": ((1, 0), 1),
    "ecc_pending_enabled": ((2, 0), 1),
    "ecc_volatile_corrected": ((3, 0), 1),
    "ecc_volatile_uncorrected": ((4, 0), 1),
    "ecc_aggregate_corrected": ((5, 0), 1),
    "ecc_aggregate_uncorrected": ((6, 0), 1),
    "retired_pages_single_bit": ((29, 0), 1),
    "retired_pages_double_bit": ((30, 0), 1),
    "retired_pages_pending": ((31, 0), 1),
    "memory_temperature_celsius": ((82, 0), 1),
    "energy_joules": ((83, 0), _MILLI),
    "pcie_replays": ((94, 0), 1),
    "remapped_rows_corrected": ((142, 0), 1),
    "remapped_rows_uncorrected": ((143, 0), 1),
    "row_remap_pending": ((144, 0), 1),
    "row_remap_failure": ((145, 0), 1),
    "power_instant_watts": ((186, 0), _MILLI),
    "margin_shutdown_celsius": ((193, 0), 1),
    "margin_slowdown_celsius": ((194, 0), 1),
    "pcie_transmit_bytes": ((197, 0), 1),
    "pcie_receive_bytes": ((198, 0), 1),
}

_WIDE = {"pcie_transmit_bytes", "pcie_receive_bytes"}
"""Counted only in 64 bits. H100 and H200 (driver 580) give 32, which 55 GB/s fill thirteen times a second."""

PLAIN_KEYS: tuple[FieldKey, ...] = tuple(key for key, _ in _PLAIN.values())


def plain_values(values: FieldValues) -> Iterator[tuple[str, float]]:
    """Yield the attributes of `snapshot.Card` that `values` fill, in base units."""
    for attribute, (key, factor) in _PLAIN.items():
        if key in values and (values[key].is_64_bit or attribute not in _WIDE):
            number = values[key].number
            yield attribute, number if factor == 1 else number * factor

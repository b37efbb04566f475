"""NVLink: state of each link, and errors and bytes of all links of a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .client import Device, Nvml
from .fields import FieldKey, FieldValues

_LINK_COUNT: FieldKey = (91, 0)
_MOST_LINKS = 36  # NVML_NVLINK_MAX_LINKS
_ALL_LINKS = 0xFFFFFFFF

# Sums over all links, and the same by link for cards that no longer add them up (NVLink 4 and 5).
_ERRORS: Mapping[str, FieldKey] = {
    "crc_flit": (38, 0),
    "crc_data": (45, 0),
    "replay": (52, 0),
    "recovery": (59, 0),
    "ecc_data": (160, 0),
}
_ERRORS_BY_LINK: Mapping[str, int] = {"replay": 161, "recovery": 162, "crc": 163}

_KIBIBYTES: Mapping[str, FieldKey] = {"transmit": (138, _ALL_LINKS), "receive": (139, _ALL_LINKS)}
_BYTES_BY_LINK: Mapping[str, int] = {"transmit": 202, "receive": 204}

FIELD_KEYS: tuple[FieldKey, ...] = (_LINK_COUNT, *_ERRORS.values(), *_KIBIBYTES.values())


def read_links(nvml: Nvml, device: Device, values: FieldValues) -> dict[str, Any]:
    """Return the NVLink attributes of a card; none for a card without links."""
    count = int(values[_LINK_COUNT].number) if _LINK_COUNT in values else 0
    states = {
        link: nvml.ask(device, "nvmlDeviceGetNvLinkState", link) for link in range(min(count, _MOST_LINKS))
    }
    active = {link: float(state) for link, state in states.items() if state is not None}
    if not active:
        return {}
    running = [link for link, state in active.items() if state]
    errors = _sums(values, _ERRORS) or _sums_by_link(nvml, device, _ERRORS_BY_LINK, running)
    kibibytes = _sums(values, _KIBIBYTES)
    traffic = {direction: number * 1024 for direction, number in kibibytes.items()}
    traffic = traffic or _sums_by_link(nvml, device, _BYTES_BY_LINK, running)
    return {
        "nvlink_active": active,
        "nvlink_errors": errors,
        "nvlink_transmit_bytes": traffic.get("transmit"),
        "nvlink_receive_bytes": traffic.get("receive"),
    }


def _sums(values: FieldValues, names: Mapping[str, FieldKey]) -> dict[str, float]:
    return {name: values[key].number for name, key in names.items() if key in values}


def _sums_by_link(
    nvml: Nvml, device: Device, names: Mapping[str, int], links: Sequence[int]
) -> dict[str, float]:
    values = nvml.fields(device, [(field, link) for field in names.values() for link in links])
    sums = {}
    for name, field in names.items():
        numbers = [values[field, link].number for link in links if (field, link) in values]
        if numbers:
            sums[name] = sum(numbers)
    return sums

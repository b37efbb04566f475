"""NVLink of three generations: sums, sums by link, no links."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.gpu.client import Nvml
from vectorwatch.gpu.nvlink import FIELD_KEYS, read_links

ALL_LINKS = 4294967295


@pytest.fixture
def links(nvml: Nvml, scenario: Any) -> Any:
    """Read the links of a card that says `lines` and nothing else."""

    def read(lines: dict[str, str]) -> dict[str, Any]:
        scenario.set({"gpu0 nvmlDeviceGetUUID": "GPU-00000000-1", **lines})
        nvml.open()
        device = nvml.device(0)
        known = read_links(nvml, device, nvml.fields(device, FIELD_KEYS))
        assert device.failures == []
        return known

    return read


def states(*active: int) -> dict[str, str]:
    return {"gpu0 field 91": f"uint {len(active)}"} | {
        f"gpu0 nvmlDeviceGetNvLinkState {link}": str(state) for link, state in enumerate(active)
    }


def test_a_card_without_links_has_nothing(links: Any) -> None:
    assert links({}) == {}


def test_a_count_of_links_that_answer_nothing_is_no_link(links: Any) -> None:
    assert links({"gpu0 field 91": "uint 18"}) == {}


def test_a_count_beyond_what_nvlink_has_is_cut(links: Any) -> None:
    assert list(links({**states(1), "gpu0 field 91": "uint 4000000000"})["nvlink_active"]) == [0]


def test_sums_of_the_driver_are_taken_in_base_units(links: Any) -> None:
    known = links(
        {
            **states(1, 0),
            "gpu0 field 38": "ull 1",
            "gpu0 field 52": "ull 2",
            f"gpu0 field 138:{ALL_LINKS}": "ull 3",
            f"gpu0 field 139:{ALL_LINKS}": "ull 4",
        }
    )
    assert known == {
        "nvlink_active": {0: 1, 1: 0},
        "nvlink_errors": {"crc_flit": 1, "replay": 2},
        "nvlink_transmit_bytes": 3 * 1024,
        "nvlink_receive_bytes": 4 * 1024,
    }


def test_without_sums_the_links_that_are_up_are_added(links: Any) -> None:
    known = links(
        {
            **states(1, 1, 0),
            "gpu0 field 161": "ull 1",
            "gpu0 field 161:1": "ull 2",
            "gpu0 field 161:2": "ull 4",
            "gpu0 field 202": "ull 100",
            "gpu0 field 202:1": "ull 200",
            "gpu0 field 204:1": "ull 50",
        }
    )
    assert known["nvlink_errors"] == {"replay": 3}
    assert (known["nvlink_transmit_bytes"], known["nvlink_receive_bytes"]) == (300, 50)

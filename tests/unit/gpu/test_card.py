"""One card: what it does not know is left out, what it says is read once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from vectorwatch.gpu.card import Options, read_card
from vectorwatch.gpu.client import CardLostError, Nvml
from vectorwatch.gpu.snapshot import Card, Versions

MEBIBYTE = 1024**2
UNKNOWN = 999


def read(nvml: Nvml, **options: Any) -> Card:
    nvml.open()
    return read_card(nvml, nvml.device(0), Versions(), Options(**options))


def said(card: Card) -> dict[str, Any]:
    """Return the attributes that are neither None nor empty."""
    identity = ("uuid", "index", "versions")
    values = {field.name: getattr(card, field.name) for field in fields(card) if field.name not in identity}
    return {name: value for name, value in values.items() if value not in (None, "", (), {})}


def test_a_card_that_knows_nothing_has_nothing_but_its_uuid(nvml: Nvml, scenario: Any) -> None:
    scenario.set({"system nvmlDeviceGetCount_v2": "1", "gpu0 nvmlDeviceGetUUID": "GPU-00000000-1"})
    assert said(read(nvml)) == {}


def test_a_consumer_card_lacks_what_the_data_centre_has(nvml: Nvml, scenario: Any) -> None:
    consumer = set(said(read(nvml))) if scenario.play("rtx-4080-super") else set()
    nvml.close()
    scenario.lines.clear()
    data_centre = set(said(read(nvml))) if scenario.play("h200") else set()
    lacking = data_centre - consumer
    assert {"ecc_enabled", "memory_temperature_celsius", "serial", "nvlink_active", "mig_enabled"} <= lacking
    assert consumer - data_centre == {
        "fan_speed_ratios",
        "temperature_shutdown_celsius",
        "temperature_slowdown_celsius",
        "temperature_max_operating_celsius",
    }


def test_memory_adds_up_and_its_older_structure_is_a_fallback(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200")
    card = read(nvml)
    parts = (card.memory_used_bytes, card.memory_free_bytes, card.memory_reserved_bytes)
    assert sum(part or 0 for part in parts) == card.memory_total_bytes == 143771 * MEBIBYTE
    nvml.close()
    scenario.drop("gpu0 nvmlDeviceGetMemoryInfo_v2").set({"gpu0 nvmlDeviceGetMemoryInfo": "100 40 60"})
    card = read(nvml)
    assert (card.memory_total_bytes, card.memory_free_bytes, card.memory_used_bytes) == (100, 40, 60)
    assert card.memory_reserved_bytes is None


def test_nonsense_is_left_out_and_huge_is_shown_as_it_is(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set(
        {
            "gpu0 nvmlDeviceGetUtilizationRates": "4294967295 200",
            "gpu0 nvmlDeviceGetPowerUsage": "4294967295",
            "gpu0 nvmlDeviceGetPerformanceState": "32",
            "gpu0 field 82": "double nan",
            "gpu0 field 83": "ull 18446744073709551614",
            "gpu0 field 94": "double inf",
        }
    )
    card = read(nvml)
    assert card.utilization_ratio is card.memory_controller_utilization_ratio is None
    assert card.power_watts is card.performance_state is None
    assert card.memory_temperature_celsius is card.pcie_replays is None
    assert card.energy_joules == pytest.approx(18446744073709551.614)


def test_a_mig_card_has_its_instances_and_no_utilisation(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h100-mig")
    card = read(nvml)
    assert card.utilization_ratio is None
    found = [
        (item.gpu_instance_id, item.name.split()[-1], item.memory_used_bytes) for item in card.mig_instances
    ]
    assert found == [
        (2, "3g.40gb", 11091 * MEBIBYTE),
        (3, "2g.20gb", 17 * MEBIBYTE),
        (9, "1g.10gb", 9 * MEBIBYTE),
        (10, "1g.10gb", 9 * MEBIBYTE),
    ]


def test_a_mig_instance_that_went_away_meanwhile_is_left_out(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h100-mig").drop("gpu0.mig1 nvmlDeviceGetGpuInstanceId")
    assert [item.gpu_instance_id for item in read(nvml).mig_instances] == [2, 9, 10]


PROCESSES = {
    "gpu0 nvmlDeviceGetComputeRunningProcesses_v3": "11:500 12:900 13:18446744073709551615",
    "gpu0 nvmlDeviceGetGraphicsRunningProcesses_v3": "11:500 14:100",
}


def test_processes_are_shown_only_when_asked_for(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set(PROCESSES)
    card = read(nvml)
    assert (card.processes, card.process_memory_used_bytes) == (None, {})


def test_a_process_in_both_lists_counts_once_and_unknown_memory_is_left_out(
    nvml: Nvml, scenario: Any
) -> None:
    scenario.play("h200").set(PROCESSES)
    card = read(nvml, processes=True)
    assert (card.processes, card.process_memory_used_bytes) == (4, {12: 900, 11: 500, 14: 100})


def test_the_processes_with_the_most_memory_are_shown(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set(PROCESSES)
    card = read(nvml, processes=True, max_processes_per_card=1)
    assert (card.processes, card.process_memory_used_bytes) == (4, {12: 900})


def test_an_idle_card_has_no_processes_rather_than_none_known(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set(dict.fromkeys(PROCESSES, ""))
    assert read(nvml, processes=True).processes == 0


def test_pcie_throughput_is_sampled_only_when_asked_for_and_not_counted(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200")
    assert read(nvml).pcie_transmit_bytes_per_second is None
    sampled = read(nvml, pcie_throughput_sampling=True)
    assert (sampled.pcie_transmit_bytes_per_second, sampled.pcie_receive_bytes_per_second) == (
        371_000,
        337_000,
    )
    # 32 bits, as H100 and H200 answer: full after 4.3 GB, and no counter.
    scenario.set({"gpu0 field 197": "uint 12345", "gpu0 field 198": "uint 54321"})
    wrapping = read(nvml, pcie_throughput_sampling=True)
    assert (wrapping.pcie_transmit_bytes, wrapping.pcie_transmit_bytes_per_second) == (None, 371_000)
    scenario.set({"gpu0 field 197": "ull 12345", "gpu0 field 198": "ull 54321"})
    counted = read(nvml, pcie_throughput_sampling=True)
    assert (counted.pcie_transmit_bytes, counted.pcie_receive_bytes) == (12345, 54321)
    assert counted.pcie_transmit_bytes_per_second is None


def test_one_failing_call_takes_nothing_from_the_others(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set({"gpu0 nvmlDeviceGetPowerUsage": f"error {UNKNOWN}"})
    nvml.open()
    device = nvml.device(0)
    card = read_card(nvml, device, Versions(), Options())
    assert card.power_watts is None
    assert card.temperature_celsius == 52
    assert device.failures == ["nvmlDeviceGetPowerUsage: Unknown Error"]


def test_a_pci_address_that_is_not_utf_8_is_a_failure_of_that_call(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200")
    nvml.open()
    device = nvml.device(0)
    scenario.path.write_bytes(b"gpu0 nvmlDeviceGetPciInfo_v3 = \xff\n")
    assert read_card(nvml, device, Versions(), Options()).pci_bus_id == ""
    assert device.failures == ["nvmlDeviceGetPciInfo: not UTF-8"]


def test_a_card_that_is_lost_while_it_is_read_gives_nothing(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set({"gpu0 field 230": "error 15"})
    with pytest.raises(CardLostError):
        read(nvml)

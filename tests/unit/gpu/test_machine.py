"""All cards of a machine: lost, missing, chosen, back again."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.gpu.card import Options
from vectorwatch.gpu.client import DriverGoneError, Nvml
from vectorwatch.gpu.machine import Machine
from vectorwatch.gpu.snapshot import Reading

FIRST = "GPU-00000000-0000-0000-0000-000000000200"
SECOND = "GPU-00000000-0000-0000-0000-00000000000b"
GPU_IS_LOST = 15


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(nvml: Nvml, clock: Clock) -> Nvml:
    nvml._clock = clock
    return nvml


@pytest.fixture
def machine(timed: Nvml, scenario: Any) -> Machine:
    scenario.play("h200").add_card("rtx-4080-super", 1, SECOND)
    return Machine(timed, (), Options())


def shown(reading: Reading) -> tuple[list[str], tuple[str, ...]]:
    return [card.uuid for card in reading.cards], reading.lost


def test_every_card_is_read(machine: Machine) -> None:
    reading = machine.read()
    assert (shown(reading), reading.count, reading.failures) == (([FIRST, SECOND], ()), 2, ())


@pytest.mark.parametrize("where", ["gpu0 *", "gpu0 nvmlDeviceGetHandleByIndex_v2", "gpu0 field 74"])
def test_a_card_lost_in_mid_run_takes_nothing_from_the_others(
    where: str, machine: Machine, scenario: Any
) -> None:
    machine.read()
    scenario.set({where: f"error {GPU_IS_LOST}"})
    assert shown(machine.read()) == ([SECOND], (FIRST,))
    scenario.drop(where)
    assert shown(machine.read()) == ([FIRST, SECOND], ())


def test_a_card_lost_before_the_first_scrape_is_named_by_its_index(machine: Machine, scenario: Any) -> None:
    scenario.set({"gpu0 *": f"error {GPU_IS_LOST}"})
    assert shown(machine.read()) == ([SECOND], ("index-0",))


def test_a_card_that_is_listed_no_more_is_lost(machine: Machine, scenario: Any) -> None:
    machine.read()
    scenario.set({"system nvmlDeviceGetCount_v2": "1"})
    assert shown(machine.read()) == ([FIRST], (SECOND,))


def test_a_card_that_moved_to_the_place_of_a_lost_one_is_not_lost(machine: Machine, scenario: Any) -> None:
    machine.read()
    scenario.set({"system nvmlDeviceGetCount_v2": "1", "gpu0 nvmlDeviceGetUUID": SECOND})
    assert shown(machine.read()) == ([SECOND], (FIRST,))


def test_the_driver_is_opened_anew_for_a_lost_card_but_not_at_every_scrape(
    machine: Machine, timed: Nvml, scenario: Any, clock: Clock
) -> None:
    machine.read()
    scenario.set({"gpu0 *": f"error {GPU_IS_LOST}"})
    clock.seconds = 30
    machine.read()
    machine.read()
    assert timed.session == 1
    clock.seconds = 61
    machine.read()
    machine.read()
    assert timed.session == 2


def test_only_the_chosen_cards_are_read(timed: Nvml, scenario: Any) -> None:
    scenario.play("h200").add_card("rtx-4080-super", 1, SECOND)
    scenario.set({"gpu0 *": f"error {GPU_IS_LOST}"})
    reading = Machine(timed, (SECOND,), Options()).read()
    assert (shown(reading), reading.count) == (([SECOND], ()), 2)


def test_a_chosen_card_that_is_not_there_is_lost(timed: Nvml, scenario: Any) -> None:
    scenario.play("h200")
    assert shown(Machine(timed, (SECOND,), Options()).read()) == ([], (SECOND,))


def test_no_card_at_all_is_a_failure_and_is_looked_for_anew(
    machine: Machine, timed: Nvml, scenario: Any
) -> None:
    scenario.set({"system nvmlDeviceGetCount_v2": "0"})
    with pytest.raises(DriverGoneError, match="lists no card"):
        machine.read()
    scenario.set({"system nvmlDeviceGetCount_v2": "2"})
    assert len(machine.read().cards) == 2
    assert timed.session == 2


@pytest.mark.parametrize("line", ["system *", "system nvmlDeviceGetCount_v2", "gpu1 nvmlDeviceGetPowerUsage"])
def test_a_driver_that_went_away_is_opened_when_it_is_back(
    line: str, machine: Machine, timed: Nvml, scenario: Any
) -> None:
    machine.read()
    said = scenario.lines.get(line)
    scenario.set({line: "error 9"})
    with pytest.raises(DriverGoneError):
        machine.read()
    assert not timed.is_open.is_set()
    scenario.set({line: said}) if said else scenario.drop(line)
    assert len(machine.read().cards) == 2


def test_what_a_card_knows_is_asked_again_after_its_mig_mode_changed(machine: Machine, scenario: Any) -> None:
    utilization = scenario.lines["gpu0 nvmlDeviceGetUtilizationRates"]
    scenario.set({"gpu0 nvmlDeviceGetMigMode": "1 1"}).drop("gpu0 nvmlDeviceGetUtilizationRates")
    assert machine.read().cards[0].utilization_ratio is None
    scenario.set({"gpu0 nvmlDeviceGetMigMode": "0 0", "gpu0 nvmlDeviceGetUtilizationRates": utilization})
    machine.read()
    assert machine.read().cards[0].utilization_ratio == 1


def test_a_failing_call_is_told_with_the_reading(machine: Machine, scenario: Any) -> None:
    scenario.set({"gpu1 nvmlDeviceGetPowerUsage": "error 999"})
    assert machine.read().failures == ("nvmlDeviceGetPowerUsage: Unknown Error",)

"""XID events: counted when they come, kept whatever the driver does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vectorwatch.gpu.client import Nvml
from vectorwatch.gpu.xid import OTHER, WATCHED_CODES, XidLedger, XidWatcher

CARD = "GPU-00000000-0000-0000-0000-000000000200"
SECOND = "GPU-00000000-0000-0000-0000-00000000000b"


@pytest.fixture
def ledger() -> XidLedger:
    return XidLedger(clock=lambda: 1234.5)


def events(ledger: XidLedger) -> dict[tuple[str, str], int]:
    """Return the counts that are not 0."""
    return {
        (card.uuid, code): number
        for card in ledger.counts()
        for code, number in card.events.items()
        if number
    }


def test_the_watched_codes_of_a_card_start_at_0_without_a_time(ledger: XidLedger) -> None:
    ledger.open_account(CARD)
    (counts,) = ledger.counts()
    assert counts.events == {str(code): 0 for code in WATCHED_CODES}
    assert counts.last_timestamps == {}


def test_an_event_counts_and_leaves_its_time(ledger: XidLedger) -> None:
    for _ in range(3):
        ledger.record(CARD, 79)
    assert events(ledger) == {(CARD, "79"): 3}
    assert ledger.counts()[0].last_timestamps == {"79": 1234.5}


def test_unknown_codes_are_bounded(ledger: XidLedger) -> None:
    for code in range(1000, 3000):
        ledger.record(CARD, code)
    (counts,) = ledger.counts()
    assert len(counts.events) == 65
    assert counts.events[OTHER] == 2000 - (64 - len(WATCHED_CODES))
    ledger.record(CARD, 79)
    assert ledger.counts()[0].events["79"] == 1


def test_counts_are_a_copy(ledger: XidLedger) -> None:
    ledger.record(CARD, 79)
    ledger.counts()[0].events["79"] = 5
    assert events(ledger) == {(CARD, "79"): 1}


@pytest.fixture
def watch(nvml: Nvml, ledger: XidLedger, poll: Callable[..., None]) -> Iterator[Callable[..., XidWatcher]]:
    watchers = []

    def start(*devices: str) -> XidWatcher:
        watchers.append(XidWatcher(nvml, ledger, devices))
        watchers[-1].start()
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.stop()
    poll(lambda: not any(thread.name == "xid" for thread in threading.enumerate()), "xid thread ended")


def test_events_are_counted_by_card_and_code(
    watch: Any, nvml: Nvml, ledger: XidLedger, scenario: Any, poll: Any
) -> None:
    scenario.play("h200").add_card("rtx-4080-super", 1, SECOND)
    watcher = watch()
    assert not watcher.watching
    nvml.open()
    poll(lambda: watcher.watching, "registered")
    scenario.set({"system events": "gpu0:31 gpu1:79 gpu0:31"})
    poll(lambda: events(ledger) == {(CARD, "31"): 2, (SECOND, "79"): 1}, "counted")


def test_a_card_that_fell_off_the_bus_is_still_named(
    watch: Any, nvml: Nvml, ledger: XidLedger, scenario: Any, poll: Any
) -> None:
    scenario.play("h200")
    watcher = watch()
    nvml.open()
    poll(lambda: watcher.watching, "registered")
    scenario.set({"gpu0 *": "error 15", "system events": "gpu0:79"})
    poll(lambda: events(ledger) == {(CARD, "79"): 1}, "counted")


def test_cards_are_registered_again_after_the_driver_came_back(
    watch: Any, nvml: Nvml, ledger: XidLedger, scenario: Any, poll: Any
) -> None:
    scenario.play("h200")
    watcher = watch()
    nvml.open()
    poll(lambda: watcher.watching, "registered")
    nvml.close()
    poll(lambda: not watcher.watching, "not watching a closed driver")
    nvml.open()
    poll(lambda: watcher.watching, "registered again")
    scenario.set({"system events": "gpu0:48"})
    poll(lambda: events(ledger) == {(CARD, "48"): 1}, "counted")


def test_an_error_while_waiting_registers_again(
    watch: Any, nvml: Nvml, ledger: XidLedger, scenario: Any, poll: Any
) -> None:
    scenario.play("h200").add_card("rtx-4080-super", 1, SECOND)
    watcher = watch()
    nvml.open()
    poll(lambda: watcher.watching, "registered")
    scenario.set({"system nvmlEventSetWait_v2": "error 15", "gpu0 *": "error 15"})
    poll(lambda: not watcher.watching, "the wait failed")
    scenario.drop("system nvmlEventSetWait_v2").set({"system events": "gpu0:13 gpu1:13"})
    poll(lambda: events(ledger) == {(SECOND, "13"): 1}, "the other card is watched on")


def test_a_card_without_events_is_not_watched(watch: Any, nvml: Nvml, scenario: Any, poll: Any) -> None:
    scenario.play("h200").drop("gpu0 nvmlDeviceGetSupportedEventTypes")
    scenario.add_card("rtx-4080-super", 1, SECOND).set({"gpu1 nvmlDeviceGetSupportedEventTypes": "0x1"})
    watcher = watch()
    nvml.open()
    scenario.set({"gpu1 nvmlDeviceGetSupportedEventTypes": "0x1f"})
    poll(lambda: watcher.watching, "asked again")


def test_only_the_chosen_cards_are_watched(
    watch: Any, nvml: Nvml, ledger: XidLedger, scenario: Any, poll: Any
) -> None:
    scenario.play("h200").add_card("rtx-4080-super", 1, SECOND)
    watcher = watch(SECOND)
    nvml.open()
    poll(lambda: watcher.watching, "registered")
    scenario.set({"system events": "gpu0:31 gpu1:31"})
    poll(lambda: events(ledger) == {(SECOND, "31"): 1}, "counted")

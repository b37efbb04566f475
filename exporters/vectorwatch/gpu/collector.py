"""Glue: one reading of the machine becomes rows."""

from __future__ import annotations

from contextlib import suppress

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Sink

from .card import Options
from .card_metrics import CARD_TABLE
from .client import DriverGoneError, Nvml
from .driver_thread import DriverThread
from .machine import Machine
from .metrics import COUNT_TABLE, PRESENCE_TABLE, SLICE_TABLE, WATCH_TABLE, XID_TABLE, Slice
from .settings import GpuSettings, LocalMachine
from .snapshot import Reading
from .xid import XidLedger, XidWatcher

_MOST_NAMED = 5


class Collector:
    """Read NVML in its own thread and put what it says into a sink on the event loop.

    Nothing is written before the whole reading is there, hence nothing after a cancellation.
    """

    def __init__(self, settings: GpuSettings, nvml: Nvml) -> None:
        options = Options(
            processes=settings.processes,
            max_processes_per_card=settings.max_processes_per_card,
            pcie_throughput_sampling=settings.pcie_throughput_sampling,
        )
        self._nvml = nvml
        self._driver = DriverThread(Machine(nvml, settings.devices, options).read)
        self._ledger = XidLedger()
        self._watcher = XidWatcher(nvml, self._ledger, settings.devices) if settings.xid_events else None

    def start(self) -> None:
        """Start the threads."""
        self._driver.start()
        if self._watcher:
            self._watcher.start()

    def stop(self) -> None:
        """Ask the event thread to end."""
        if self._watcher:
            self._watcher.stop()

    async def open_driver(self) -> None:
        """Read once, so that events are counted from the start and not from the first scrape."""
        with suppress(TargetError):  # the first scrape says it
            await self._driver.call()

    async def collect(self, _: LocalMachine, sink: Sink) -> None:
        """Put all cards into `sink`. Raises TargetError: unavailable, partial, timeout."""
        if self._watcher:
            # First: what was counted stays visible whatever the driver does now.
            sink.add(XID_TABLE, self._ledger.counts())
            sink.add(WATCH_TABLE, [self._watcher.watching])
        try:
            reading = await self._driver.call()
        except DriverGoneError:
            sink.add(COUNT_TABLE, [0])
            raise
        self._add(reading, sink)
        _raise_if_incomplete(reading)

    def _add(self, reading: Reading, sink: Sink) -> None:
        sink.add(COUNT_TABLE, [reading.count])
        sink.add(PRESENCE_TABLE, [(card.uuid, True) for card in reading.cards])
        sink.add(PRESENCE_TABLE, [(uuid, False) for uuid in reading.lost])
        sink.add(CARD_TABLE, reading.cards)
        sink.add(
            SLICE_TABLE,
            [Slice(card.uuid, instance) for card in reading.cards for instance in card.mig_instances],
        )


def _raise_if_incomplete(reading: Reading) -> None:
    problems = [*(f"{uuid} does not answer" for uuid in reading.lost), *reading.failures]
    if problems:
        more = f" and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise TargetError(Reason.PARTIAL, "; ".join(problems[:_MOST_NAMED]) + more)

"""XID events: errors that the driver reports once and keeps no record of, hence counted as they come."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .client import CallFailedError, DriverGoneError, Nvml
from .event_set import EventSet

log = logging.getLogger(__name__)

# Codes that people alert on or wish to tell apart start at 0, so that increase() sees a card's first event.
# Sources: NVIDIA's XID catalogue, DCGM's health checks.
WATCHED_CODES = (13, 31, 43, 45, 48, 61, 62, 63, 64, 74, 79, 92, 94, 95, 119, 120, 140)
OTHER = "other"
_MOST_CODES_PER_CARD = 64
_WAIT_SECONDS = 0.5
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class XidCounts:
    """The events of one card since the exporter started."""

    uuid: str
    events: dict[str, int] = field(default_factory=dict)
    last_timestamps: dict[str, float] = field(default_factory=dict)


class XidLedger:
    """Count events by card and code; lives as long as the program, whatever becomes of the driver."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cards: dict[str, XidCounts] = {}

    def open_account(self, uuid: str) -> None:
        """Show a card's watched codes from 0 on."""
        with self._lock:
            self._account(uuid)

    def record(self, uuid: str, code: int) -> int:
        """Count one event and return its number; codes beyond the ceiling of a card count as `other`."""
        with self._lock:
            account = self._account(uuid)
            known = str(code) in account.events or len(account.events) < _MOST_CODES_PER_CARD
            label = str(code) if known else OTHER
            account.events[label] = account.events.get(label, 0) + 1
            account.last_timestamps[label] = self._clock()
            return account.events[label]

    def counts(self) -> list[XidCounts]:
        """Return a copy of all counts."""
        with self._lock:
            return [
                XidCounts(card.uuid, dict(card.events), dict(card.last_timestamps))
                for card in self._cards.values()
            ]

    def _account(self, uuid: str) -> XidCounts:
        if uuid not in self._cards:
            self._cards[uuid] = XidCounts(uuid, {str(code): 0 for code in WATCHED_CODES})
        return self._cards[uuid]


class XidWatcher:
    """Wait for events in a thread of its own; register again whenever the driver has been opened anew."""

    def __init__(self, nvml: Nvml, ledger: XidLedger, devices: Iterable[str] = ()) -> None:
        self._nvml = nvml
        self._ledger = ledger
        self._wanted = frozenset(devices)
        self._stop = threading.Event()
        self.watching = False
        """Whether events of at least one card would be seen now."""

    def start(self) -> None:
        """Start the thread. It is a daemon: a driver that hangs must not keep the program alive."""
        threading.Thread(target=self._run, name="xid", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end after its current wait."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._nvml.is_open.wait(_WAIT_SECONDS):
                continue
            try:
                with EventSet(self._nvml) as events:
                    self._watch(events)
            except (DriverGoneError, CallFailedError) as error:
                log.debug("XID events: %s", error)
            self._stop.wait(_RETRY_SECONDS)

    def _watch(self, events: EventSet) -> None:
        """Count events until the driver's session ends. Raises DriverGoneError, CallFailedError."""
        uuids = events.register(self._wanted)
        for uuid in uuids:
            self._ledger.open_account(uuid)
        self.watching = bool(uuids)
        try:
            while uuids and not self._stop.is_set():
                event = events.wait(_WAIT_SECONDS)
                if event is not None:
                    uuid, code = event
                    if self._ledger.record(uuid, code) == 1:
                        log.warning("XID %d on %s; more of them are only counted", code, uuid)
        finally:
            self.watching = False

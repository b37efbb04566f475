"""Read all cards of this machine, each on its own: one that is lost takes nothing from the others."""

from __future__ import annotations

from collections.abc import Collection

from .card import Options, read_card
from .client import CardLostError, Device, DriverGoneError, Nvml
from .snapshot import Card, Reading

# A card that was reset comes back only to a session that was opened after it.
_REOPEN_SECONDS = 60.0


class Machine:
    """The cards of this machine. Not thread-safe: `read` belongs to the driver's thread."""

    def __init__(self, nvml: Nvml, wanted: Collection[str], options: Options) -> None:
        self._nvml = nvml
        self._wanted = tuple(wanted)
        self._options = options
        self._uuid_by_index: dict[int, str] = {}
        self._seen: dict[str, None] = dict.fromkeys(self._wanted)  # a set that keeps its order
        self._mig_enabled: dict[str, float | None] = {}

    def read(self) -> Reading:
        """Return what the driver says now. Raises DriverGoneError; the next call then opens it anew."""
        self._nvml.open()
        try:
            reading = self._read_cards()
        except DriverGoneError:
            self._nvml.close()
            raise
        if reading.lost and self._nvml.age_seconds > _REOPEN_SECONDS:
            self._nvml.close()
        return reading

    def _read_cards(self) -> Reading:
        count = self._nvml.count()
        if count == 0:
            raise DriverGoneError(
                "the driver runs but lists no card; in a container pass one in (`--gpus all`)"
            )
        versions = self._nvml.versions()
        cards: list[Card] = []
        lost: list[str] = []
        failures: list[str] = []
        for index in range(count):
            try:
                device = self._find(index)
                if self._wanted and device.uuid not in self._wanted:
                    continue
                cards.append(read_card(self._nvml, device, versions, self._options))
                failures.extend(device.failures)
                self._note_mig_mode(device, cards[-1])
            except CardLostError:
                lost.append(self._uuid_by_index.get(index, f"index-{index}"))
        return Reading(count, tuple(cards), self._lost(cards, lost), tuple(failures))

    def _find(self, index: int) -> Device:
        device = self._nvml.device(index)
        self._uuid_by_index[index] = device.uuid
        if not self._wanted:
            self._seen[device.uuid] = None
        return device

    def _lost(self, cards: list[Card], silent: list[str]) -> tuple[str, ...]:
        """Return the cards that do not answer and those that are listed no more."""
        present = {card.uuid for card in cards}
        ours = [uuid for uuid in silent if not self._wanted or uuid in self._wanted]
        return tuple(uuid for uuid in dict.fromkeys((*ours, *self._seen)) if uuid not in present)

    def _note_mig_mode(self, device: Device, card: Card) -> None:
        """Ask everything again after the MIG mode changed: it decides what a card knows."""
        previous = self._mig_enabled.get(device.uuid, card.mig_enabled)
        self._mig_enabled[device.uuid] = card.mig_enabled
        if previous != card.mig_enabled:
            device.absent.clear()

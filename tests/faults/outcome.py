"""What a fault led to, as plain data."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.faults.history import Fired


def write_now() -> str:
    """Return the time as the page shows it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


@dataclass
class Sighting:
    """When an expected alert was seen, in seconds after the injection or the mending; None: never."""

    alert: str
    severity: str
    fire_bound_seconds: int
    end_bound_seconds: int
    untold: str
    fired_seconds: float | None = None
    told_seconds: float | None = None
    ended_seconds: float | None = None
    end_told_seconds: float | None = None


@dataclass
class Outcome:
    """What a fault led to; it is as it should be when `failures` is empty."""

    name: str
    date: str
    sightings: list[Sighting] = field(default_factory=list)
    also_fired: list[Fired] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    machine: str = ""
    load: float = 0.0
    """Programs that wanted a core, on the average of the last five minutes of it."""

    def end(self, seconds: float) -> None:
        """Note how long it took, and where."""
        memory_gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        self.machine = f"{platform.system()}, {os.cpu_count()} cores, {memory_gigabytes:.0f} GB of memory"
        self.load = round(os.getloadavg()[1], 1)
        self.seconds = round(seconds, 1)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return asdict(self)

"""What a trial led to, as plain data, kept in `results.json` beside this file, a line a trial."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
"""The newest outcome of each trial, committed: the page is made of it."""


@dataclass(frozen=True)
class Loss:
    """What is gone of a kind; the oldest was acknowledged so many seconds before the break."""

    kind: str
    keeper: str
    count: int
    oldest_seconds: float


@dataclass
class Outcome:
    """Seconds count from the break for alerts, and for healing from the mending, or the break without one."""

    name: str
    date: str
    pending_seconds: float | None = None
    """Until the expected alert's expression held."""
    fired_seconds: float | None = None
    told_seconds: float | None = None
    """Until the message of it was in the inbox."""
    for_seconds: int = 0
    """What its rule waits between the two."""
    broken_seconds: float = 0.0
    healed_seconds: float | None = None
    lost: list[Loss] = field(default_factory=list)
    """What was acknowledged and is gone."""
    kept: int = 0
    """How many acknowledged things were looked for."""
    refused: list[str] = field(default_factory=list)
    """What was not taken meanwhile, so that its sender knows."""
    also: list[str] = field(default_factory=list)
    """Other alerts that began meanwhile."""
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    machine: str = ""
    load: float = 0.0
    """Programs that wanted a core, on the average of the last five minutes of it."""

    def end(self) -> None:
        """Note where it was."""
        gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        self.machine = f"{platform.system()}, {os.cpu_count()} cores, {gigabytes:.0f} GB of memory"
        self.load = round(os.getloadavg()[1], 1)


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Return the newest outcome of each trial; none when there is no such file."""
    if not path.is_file():
        return {}
    found: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Outcome(name, **{**body, "lost": [Loss(**one) for one in body.get("lost", ())]})
        for name, body in found.items()
    }


def keep_outcome(path: Path, outcome: Outcome) -> None:
    """Add an outcome to the file, whole or not at all: the next run goes on where this one ends."""
    outcomes = {**read_outcomes(path), outcome.name: outcome}
    lines = [f"{json.dumps(name)}: {_write(outcomes[name])}" for name in sorted(outcomes)]
    scratch = path.with_suffix(".new")
    scratch.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    scratch.replace(path)


def _write(outcome: Outcome) -> str:
    """Return what was found; what was not is left out, as the name, which stands before it."""
    plain = asdict(outcome)
    del plain["name"]
    found = {key: value for key, value in plain.items() if value not in (None, [], "")}
    return json.dumps(found, ensure_ascii=False, sort_keys=True)

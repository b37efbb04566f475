"""What was found, kept in `build/fault-matrix.json`: of each fault its newest trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.history import Fired
from tests.faults.outcome import Outcome, Sighting


def read_results(path: Path) -> dict[str, Outcome]:
    """Return the outcome of each fault that was tried; none when there is no such file."""
    if not path.is_file():
        return {}
    found: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {name: read_outcome(body) for name, body in found.items()}


def read_outcome(body: Mapping[str, Any]) -> Outcome:
    """Return what `Outcome.as_json` made."""
    sightings = [Sighting(**one) for one in body["sightings"]]
    also = [Fired(**one) for one in body["also_fired"]]
    return Outcome(**{**body, "sightings": sightings, "also_fired": also})


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write one outcome into `folder`, whole or not at all."""
    scratch = folder / f".{outcome.name}.new"
    scratch.write_text(json.dumps(outcome.as_json()), encoding="utf-8")
    scratch.replace(name_file(folder, outcome.name))


def name_file(folder: Path, name: str) -> Path:
    """Return where `write_outcome` writes."""
    return folder / f"{name}.json"


def write_results(path: Path, results: Mapping[str, Outcome]) -> None:
    """Write the outcomes to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: outcome.as_json() for name, outcome in sorted(results.items())}
    path.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")

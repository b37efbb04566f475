"""`service-levels.yml`: objectives, and what is counted for them; refused where an alert could never fire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectorwatch.errors import ConfigError

from .document import Document, describe, read_document, suggest
from .thresholds import is_number

_REQUIRED = ("summary", "component", "by", "objective", "window")
_FIELDS = (*_REQUIRED, "minimum", "bad", "errors", "total")


@dataclass(frozen=True)
class Pair:
    """A long window with its short one: told when both burn the budget `factor` times too fast."""

    short: str
    long: str
    factor: float


@dataclass(frozen=True)
class Windows:
    """The pairs of windows that page, and those that write a ticket."""

    days: int
    page: Sequence[Pair]
    ticket: Sequence[Pair]

    @property
    def highest_factor(self) -> float:
        """Return the factor that is hardest to reach."""
        return max(pair.factor for pair in (*self.page, *self.ticket))


def _share(days: int, long_hours: int, short: str, long: str, budget: float) -> Pair:
    """Return the pair that fires when `budget`, a part of it, is spent within the long window."""
    return Pair(short, long, round(budget * days * 24 / long_hours, 3))


def _windows(days: int, page: tuple[float, float], ticket: tuple[float, float]) -> Windows:
    return Windows(
        days,
        (_share(days, 1, "5m", "1h", page[0]), _share(days, 6, "30m", "6h", page[1])),
        (_share(days, 24, "2h", "1d", ticket[0]), _share(days, 72, "6h", "3d", ticket[1])),
    )


# Shares of the budget: Google's SRE workbook, chapter 5, as in Sloth's google-30d.yaml and google-7d.yaml.
WINDOWS = {
    "7d": _windows(7, (0.08, 0.125), (0.2, 0.42)),
    "28d": _windows(28, (0.02, 0.05), (0.1, 0.1)),
    "30d": _windows(30, (0.02, 0.05), (0.1, 0.1)),
}
RATIO_WINDOWS = ("30m", "1h", "2h", "6h", "1d", "3d")


@dataclass(frozen=True)
class ServiceLevel:
    """An objective: `errors` of `total` events per second. Without `total`, `errors` is 1 in bad times."""

    name: str
    summary: str
    component: str
    by: Sequence[str]
    objective: float
    windows: Windows
    errors: str
    total: str
    minimum: float

    @property
    def budget(self) -> float:
        """Return which part of the events may be errors."""
        return round(1 - self.objective, 9)


def read_service_levels(path: Path, name: str) -> Mapping[str, ServiceLevel | None]:
    """Return the levels by name; None is one to be left out. Raises ConfigError with every mistake."""
    document = read_document(path, name)
    found = {str(key): _read(document, str(key), entry) for key, entry in document.values.items()}
    document.refuse_problems()
    return found


def _read(document: Document, name: str, entry: Any) -> ServiceLevel | None:
    if entry is None:
        return None
    problems = list(_object_to(name, entry))
    for problem in problems:
        document.complain((name,), f"`{name}`: {problem}")
    if problems:
        return None
    return ServiceLevel(
        name=name,
        summary=entry["summary"],
        component=entry["component"],
        by=entry["by"],
        objective=entry["objective"],
        windows=WINDOWS[entry["window"]],
        errors=str(entry["errors" if "errors" in entry else "bad"]).strip(),
        total=str(entry.get("total", "")).strip(),
        minimum=entry.get("minimum", 0),
    )


def _object_to(name: str, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"is {describe(entry)}; write {', '.join(_REQUIRED)} and `bad`, or `errors` and `total`"
        return
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 26:
        yield "is no name of at most 26 small letters, digits and hyphens"
    for key in entry:
        if key not in _FIELDS:
            yield f"unknown key `{key}`{suggest(key, _FIELDS)}"
    if missing := [key for key in _REQUIRED if key not in entry]:
        yield f"lacks {', '.join(missing)}"
        return
    if ("bad" in entry) == ("errors" in entry) or ("errors" in entry) != ("total" in entry):
        yield "needs either `bad`, or `errors` and `total`"
    for key in ("summary", "component", "bad", "errors", "total"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            yield f"`{key}` is {describe(entry[key])}; write text"
    if not (isinstance(entry["by"], list) and all(isinstance(one, str) for one in entry["by"])):
        yield "`by` is no list of labels"
    if not is_number(entry.get("minimum", 0)):
        yield f"`minimum` is {describe(entry['minimum'])}; write a number of events"
    if entry["window"] not in WINDOWS:
        yield f"`window` is {describe(entry['window'])}; write one of {', '.join(WINDOWS)}"
    elif not is_number(entry["objective"]) or not 0 < entry["objective"] < 1:
        yield f"`objective` is {describe(entry['objective'])}; write a part of 1 like `0.999`"
    else:
        yield from _object_to_objective(entry["objective"], WINDOWS[entry["window"]])


def _object_to_objective(objective: float, windows: Windows) -> Iterator[str]:
    if windows.highest_factor * (1 - objective) >= 1:
        least = 1 - 1 / windows.highest_factor
        yield (
            f"with `objective` {objective} the alert for {windows.highest_factor:g} times the budget can"
            f" never fire: everything failing is not enough; choose one above {least:.3f}, or count in time"
        )


def join_service_levels(*files: Mapping[str, ServiceLevel | None]) -> list[ServiceLevel]:
    """Return the levels of all files, a later file's in the place of an earlier one's."""
    joined: dict[str, ServiceLevel | None] = {}
    for file in files:
        if unknown := [name for name, level in file.items() if level is None and name not in joined]:
            raise ConfigError(f"service level `{name}` is left out but not there" for name in unknown)
        joined |= file
    return [level for level in joined.values() if level]

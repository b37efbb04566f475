"""`prometheus/thresholds.yml`: what can be tuned, in which unit, and where the default comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from .document import Document, describe, read_document
from .markers import Number

FILE = "prometheus/thresholds.yml"
UNITS = (
    *("bytes", "bytes_per_second", "celsius", "count", "days", "dollars", "milliseconds"),
    *("per_second", "per_minute", "percent", "ratio", "score", "seconds", "watts"),
)
_FIELDS = {"value", "unit", "alert", "by", "source"}


@dataclass(frozen=True)
class Threshold:
    """A number in the rules; `by` are the labels of its alert by which it can be another for one subject."""

    name: str
    value: Number
    unit: str
    alert: str
    by: Sequence[str]
    source: str


def read_thresholds(path: Path) -> Mapping[str, Threshold]:
    """Return the thresholds by name. Raises ConfigError with every mistake."""
    document = read_document(path, FILE)
    found = {name: _read(document, name, entry) for name, entry in document.values.items()}
    document.refuse_problems()
    return {name: threshold for name, threshold in found.items() if threshold}


def is_number(value: object) -> TypeGuard[Number]:
    """Tell whether `value` is a finite number; `true` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def object_to(threshold: Threshold, value: object) -> str:
    """Return why `value` cannot take the place of the default; nothing when it can."""
    if not is_number(value):
        return f"is {describe(value)} and no number; write it like `{threshold.value}`"
    if threshold.unit == "ratio" and 0 <= threshold.value <= 1 < value:
        return f"is {value} and counts 1 as the whole; write `0.85` for 85 %"
    if value < 0 <= threshold.value and threshold.unit != "celsius":
        return f"is negative ({value}); the default is {threshold.value} {threshold.unit}"
    return ""


def _read(document: Document, name: str, entry: Any) -> Threshold | None:
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        document.complain((name,), f"`{name}` needs exactly {', '.join(sorted(_FIELDS))}")
        return None
    problems = []
    if not is_number(entry["value"]):
        problems.append(f"value is {describe(entry['value'])} and no number")
    if entry["unit"] not in UNITS:
        problems.append(f"unit `{entry['unit']}` is none of {', '.join(UNITS)}")
    problems += [
        f"{key} must be text"
        for key in ("alert", "source")
        if not (isinstance(entry[key], str) and entry[key])
    ]
    if not (isinstance(entry["by"], list) and all(isinstance(label, str) for label in entry["by"])):
        problems.append("by must be a list of labels")
    for problem in problems:
        document.complain((name,), f"`{name}`: {problem}")
    return None if problems else Threshold(name=name, **entry)

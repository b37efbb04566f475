"""`thresholds.mine.yml`: what a user has set, checked against what can be set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .document import Document, Place, describe, read_document, suggest
from .markers import Number
from .thresholds import Threshold, object_to

SEVERITIES = ("critical", "warning", "info")
_DURATION = re.compile(r"0|(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")
_SECTIONS = ("thresholds", "overrides", "alerts")
_OVERRIDE = ("threshold", "for", "value")
_SETTINGS = ("enabled", "because", "severity", "for", "keep_firing_for")

Subject = Mapping[str, str]


@dataclass(frozen=True)
class Override:
    """Another number for the series that carry the labels of `subject`."""

    threshold: str
    subject: Subject
    value: Number


@dataclass(frozen=True)
class Change:
    """What is to be another at an alert; `because` alone is set at one that is switched off."""

    fields: Mapping[str, str] = field(default_factory=dict)
    severity: str = ""
    because: str = ""


@dataclass(frozen=True)
class Tuning:
    """All that a user has set."""

    values: Mapping[str, Number] = field(default_factory=dict)
    overrides: Sequence[Override] = ()
    changes: Mapping[str, Change] = field(default_factory=dict)


def read_tuning(
    path: Path, name: str, thresholds: Mapping[str, Threshold], severities: Mapping[str, Set[str]]
) -> Tuning:
    """Return what the file sets; `name` is what to call it, `severities` has those of every alert.

    Raises ConfigError with a line for each mistake.
    """
    document = read_document(path, name)
    for key in document.values:
        if key not in _SECTIONS:
            document.complain((str(key),), f"unknown key `{key}`{suggest(key, _SECTIONS)}")
    tuning = Tuning(
        dict(_read_values(document, thresholds)),
        list(_read_overrides(document, thresholds)),
        dict(_read_changes(document, severities)),
    )
    document.refuse_problems()
    return tuning


def _section(document: Document, name: str, kind: type[Any], form: str) -> Any:
    value = document.values.get(name)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        document.complain((name,), f"`{name}` is {describe(value)}; write {form}")
        return kind()
    return value


def _read_values(document: Document, thresholds: Mapping[str, Threshold]) -> Iterator[tuple[str, Number]]:
    for name, value in _section(document, "thresholds", dict, "`name: number`").items():
        place = ("thresholds", str(name))
        if name not in thresholds:
            document.complain(place, f"unknown threshold `{name}`{suggest(name, thresholds)}")
        elif problem := object_to(thresholds[name], value):
            document.complain(place, f"`{name}` {problem}")
        else:
            yield name, value


def _read_overrides(document: Document, thresholds: Mapping[str, Threshold]) -> Iterator[Override]:
    form = 'a list like `- {threshold: name, for: {instance: "host:1"}, value: 1}`'
    seen: list[tuple[str, Subject]] = []
    for index, row in enumerate(_section(document, "overrides", list, form)):
        place = ("overrides", str(index))
        if not isinstance(row, dict) or set(row) != set(_OVERRIDE):
            document.complain(place, f"an override needs exactly {', '.join(_OVERRIDE)}")
            continue
        name, subject = row["threshold"], row["for"]
        if not isinstance(name, str) or name not in thresholds:
            document.complain(place, f"unknown threshold `{name}`{suggest(name, thresholds)}")
            continue
        problems = list(_object_to_subject(thresholds[name], subject))
        if problem := object_to(thresholds[name], row["value"]):
            problems.append(f"`value` of `{name}` {problem}")
        elif not problems and (name, subject) in seen:
            problems.append(f"`{name}` is overridden twice for the same")
        for problem in problems:
            document.complain(place, problem)
        if not problems:
            seen.append((name, subject))
            yield Override(name, subject, row["value"])


def _object_to_subject(threshold: Threshold, subject: object) -> Iterator[str]:
    name = threshold.name
    if not threshold.by:
        yield f"`{name}` can only be set for all, under `thresholds`"
        return
    if not isinstance(subject, dict) or not subject:
        yield f"`for` names nothing; `{name}` can be overridden by {', '.join(threshold.by)}"
        return
    for label, value in subject.items():
        if label not in threshold.by:
            yield f"`{name}` cannot be overridden by `{label}`, only by {', '.join(threshold.by)}"
        elif not isinstance(value, str) or not value:
            yield f"label `{label}` is {describe(value)}; put its value in quotes"


def _read_changes(document: Document, severities: Mapping[str, Set[str]]) -> Iterator[tuple[str, Change]]:
    for name, settings in _section(document, "alerts", dict, "`AlertName: {for: 15m}`").items():
        place = ("alerts", str(name))
        if name not in severities:
            document.complain(place, f"unknown alert `{name}`{suggest(name, severities)}")
        elif not isinstance(settings, dict) or not settings:
            document.complain(place, f"`{name}` says nothing; known are {', '.join(_SETTINGS)}")
        else:
            problems = list(_object_to_change(name, settings, severities[name], place))
            for where, problem in problems:
                document.complain(where, problem)
            if not problems:
                yield name, _read_change(settings)


def _object_to_change(
    name: str, settings: Mapping[Any, Any], severities: Set[str], place: Place
) -> Iterator[tuple[Place, str]]:
    for key, value in settings.items():
        where = (*place, str(key))
        if key not in _SETTINGS:
            yield where, f"unknown key `{key}` of {name}{suggest(key, _SETTINGS)}"
        elif key in ("for", "keep_firing_for"):
            if not (isinstance(value, str) and value and _DURATION.fullmatch(value)):
                yield where, f"`{key}` of {name} is {describe(value)}; write a duration like `15m`"
        elif key == "severity":
            if value not in SEVERITIES:
                yield where, f"severity of {name} is {describe(value)}; write one of {', '.join(SEVERITIES)}"
            elif len(severities) > 1:
                yield (
                    where,
                    f"{name} has several severities ({', '.join(sorted(severities))}); tune their thresholds",
                )
        elif key == "enabled" and not isinstance(value, bool):
            yield where, f"`enabled` of {name} is {describe(value)}; write `true` or `false`"
        elif key == "because" and not (isinstance(value, str) and value.strip()):
            yield where, f"`because` of {name} is {describe(value)}; say why in a sentence"
    if settings.get("enabled") is False and "because" not in settings:
        yield place, f'{name} is switched off without a reason; add `because: "…"`'
    if "because" in settings and settings.get("enabled") is not False:
        yield place, f"`because` of {name} stands without `enabled: false`"


def _read_change(settings: Mapping[str, Any]) -> Change:
    fields = {key: settings[key] for key in ("for", "keep_firing_for") if key in settings}
    return Change(fields, settings.get("severity", ""), settings.get("because", ""))

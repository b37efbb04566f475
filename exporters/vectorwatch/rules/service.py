"""`vectorwatch rules render`: read, check, and only when all is right replace the rules that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from vectorwatch.errors import ConfigError, VectorwatchError
from vectorwatch.replacement import replace_files

from .burn_rates import FILE as LEVELS_FILE
from .burn_rates import write_rules
from .dashboard_links import check_address
from .markers import MarkerError, find_markers
from .render import render
from .service_levels import join_service_levels, read_service_levels
from .thresholds import FILE, Threshold, read_thresholds
from .tuning import Tuning, read_tuning

MINE = "thresholds.mine.yml"
_LEVELS, _OWN_LEVELS = "service-levels.yml", "service-levels.mine.yml"


@dataclass(frozen=True)
class RuleFile:
    """A file of rules, ours or the user's."""

    name: str
    text: str
    alerts: Mapping[str, set[str]]
    """The severities by alert."""


def render_rules(source: Path, out: Path, mine: Path | None = None, grafana: str = "") -> Iterator[str]:
    """Write the rules of `source` (the folder `prometheus/`) into `out`; yield the lines to show.

    `grafana` is the address of the dashboards that alerts link to; empty: they link to none.
    Raises ConfigError with a line for each mistake, before anything is changed; VectorwatchError when `out`
    cannot be written.
    """
    grafana = check_address(grafana)
    _, files, tuning = _read(source, mine)
    try:
        replace_files({file.name: render(file.text, tuning, grafana) for file in files}, out, "*.yml")
    except OSError as error:
        raise VectorwatchError(f"rules: cannot write {error.filename}: {error.strerror}") from error
    yield f"rules: {len(files)} files{_explain(tuning)}"
    for name, change in tuning.changes.items():
        if change.because:
            yield f"rules: {name} is off: {change.because}"
    if grafana:
        yield f"rules: alerts link to the dashboards at {grafana}"


def read_tuned(
    source: Path, mine: Path | None = None
) -> tuple[Mapping[str, Threshold], Mapping[str, Threshold]]:
    """Return the thresholds as they are shipped, and with the numbers that the user set for all subjects.

    Raises ConfigError as `render_rules` does.
    """
    thresholds, _, tuning = _read(source, mine)
    tuned = {
        name: replace(threshold, value=tuning.values.get(name, threshold.value))
        for name, threshold in thresholds.items()
    }
    return thresholds, tuned


def _read(source: Path, mine: Path | None) -> tuple[Mapping[str, Threshold], list[RuleFile], Tuning]:
    thresholds = read_thresholds(source / "thresholds.yml")
    files = read_rules(source / "rules", thresholds)
    if (source / _OWN_LEVELS).exists():
        files = [file for file in files if file.name != LEVELS_FILE]
        files.append(_parse(LEVELS_FILE, write_service_levels(source), thresholds))
    place, name = (mine, str(mine)) if mine else (source / MINE, f"prometheus/{MINE}")
    return thresholds, files, read_tuning(place, name, thresholds, _join_severities(files))


def write_service_levels(source: Path) -> str:
    """Return the rules of all service levels, those of the user included. Raises ConfigError."""
    return write_rules(
        join_service_levels(
            *(read_service_levels(source / name, f"prometheus/{name}") for name in (_LEVELS, _OWN_LEVELS))
        )
    )


def read_rules(folder: Path, thresholds: Mapping[str, Threshold]) -> list[RuleFile]:
    """Return every file of rules. Raises ConfigError for one that Prometheus would not take."""
    files: list[RuleFile] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        name = f"prometheus/rules/{path.name}"
        try:
            files.append(_parse(path.name, path.read_bytes().decode("utf-8"), thresholds))
        except ConfigError as error:
            problems += error.problems
        except OSError as error:
            problems.append(f"{name}: cannot be read: {error.strerror}")
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            problems.append(f"{name}:{mark.line + 1 if mark else 1}: is no YAML")
        except MarkerError as error:
            problems.append(f"{name}: {error}")
        except (TypeError, KeyError, AttributeError):
            problems.append(f"{name}: is no file of rules; write `groups: [{{name: …, rules: […]}}]`")
    if not files and not problems:
        problems.append(f"{folder}: holds no rules; is the checkout complete?")
    if problems:
        raise ConfigError(problems)
    return files


def _parse(name: str, text: str, thresholds: Mapping[str, Threshold]) -> RuleFile:
    unknown = {marker for marker, _ in find_markers(text)} - thresholds.keys()
    if unknown:
        place = f"prometheus/rules/{name}: threshold"
        raise ConfigError(f"{place} `{marker}` is not in {FILE}" for marker in sorted(unknown))
    return RuleFile(name, text, _read_alerts(yaml.safe_load(text)))


def _read_alerts(document: Any) -> Mapping[str, set[str]]:
    alerts: dict[str, set[str]] = {}
    for group in document["groups"]:
        for rule in group["rules"] or ():
            if "alert" in rule:
                severity = rule.get("labels", {}).get("severity", "")
                alerts.setdefault(rule["alert"], set()).add(severity)
            elif not isinstance(rule["record"], str):
                raise TypeError
            if not isinstance(rule["expr"], str | int | float):
                raise TypeError
    return alerts


def _join_severities(files: list[RuleFile]) -> Mapping[str, set[str]]:
    joined: dict[str, set[str]] = {}
    for file in files:
        for name, severities in file.alerts.items():
            joined.setdefault(name, set()).update(severities)
    return joined


def _explain(tuning: Tuning) -> str:
    parts = [
        f"{len(items)} {word}{'s' if len(items) > 1 else ''}"
        for items, word in (
            (tuning.values, "threshold"),
            (tuning.overrides, "override"),
            (tuning.changes, "alert"),
        )
        if items
    ]
    return f"; yours: {', '.join(parts)}" if parts else ""

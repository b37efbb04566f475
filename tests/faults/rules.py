"""What the rules of the repository say of the time in which an alert fires and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from vectorwatch.demo.check import parse_duration_seconds

EVALUATION_SECONDS = 15
"""`evaluation_interval` of prometheus/prometheus.yml."""

Key = tuple[str, str]
"""Alert and severity."""


@dataclass(frozen=True)
class Rule:
    """The times of a rule; of several of one name and severity the longest."""

    interval_seconds: int
    for_seconds: int
    keep_seconds: int


def read_rules(repository: Path) -> Mapping[Key, Rule]:
    """Return the times of every alert in `prometheus/rules/`."""
    found: dict[Key, Rule] = {}
    for path in sorted((repository / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            interval = _read_seconds(group, "interval") or EVALUATION_SECONDS
            for body in group["rules"]:
                if "alert" not in body:
                    continue
                key = (body["alert"], body["labels"]["severity"])
                former = found.get(key, Rule(0, 0, 0))
                found[key] = Rule(
                    max(former.interval_seconds, interval),
                    max(former.for_seconds, _read_seconds(body, "for")),
                    max(former.keep_seconds, _read_seconds(body, "keep_firing_for")),
                )
    return found


def _read_seconds(body: Mapping[str, str], name: str) -> int:
    return round(parse_duration_seconds(str(body.get(name, "0s"))))

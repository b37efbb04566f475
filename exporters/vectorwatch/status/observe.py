"""Ask Prometheus: which alerts fire, what is watched, what is measured."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, answer_within
from vectorwatch.serve.prometheus_query import Series, query_path, read_series

from .answer import Alert
from .component import Component

_MARK = "vectorwatch_field"
_IS_WATCHED = "is watched"
_IS_DOWN = "is down"
_LEVELS = ("critical", "warning", "info")
_LAST_NUMBER = re.compile(r"[<>]=?\s*(?:bool\s+)?(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$")
_WATCHDOG = "Watchdog"


@dataclass(frozen=True, slots=True)
class Facts:
    """What Prometheus knows of one component."""

    is_watched: bool = False
    down: tuple[str, ...] = ()
    """Targets that do not answer Prometheus: job and instance."""
    metrics: Mapping[str, float | bool] = field(default_factory=dict)
    problem: str = ""
    """Why these are not known."""


@dataclass(frozen=True, slots=True)
class FiringAlerts:
    """The firing alerts, the worst first, and whether the rules are at work at all."""

    alerts: Sequence[tuple[str, Alert]] = ()
    """Each with its label `component`."""
    has_watchdog: bool = False


async def read_alerts(prometheus: JsonClient, seconds: float) -> FiringAlerts:
    """Return the alerts that fire. Raises TargetError, also when Prometheus has no alert rules."""
    content = await _ask(prometheus, "/api/v1/rules?type=alert", seconds)
    try:
        rules = [rule for group in content["data"]["groups"] for rule in group["rules"]]
        found = [(rule, alert) for rule in rules for alert in rule["alerts"] if alert["state"] == "firing"]
        alerts = [
            (str(alert["labels"].get("component", "")), _read_alert(rule, alert))
            for rule, alert in found
            if alert["labels"].get("severity") in _LEVELS
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TargetError(Reason.DECODE, "it is no Prometheus: its list of rules cannot be read") from error
    if not rules:
        raise TargetError(Reason.PARTIAL, "it has no alert rules; see rule_files in its configuration")
    alerts.sort(key=lambda one: (_LEVELS.index(one[1].level), one[1].since))
    return FiringAlerts(alerts, any(rule["name"] == _WATCHDOG for rule, _ in found))


def _read_alert(rule: Mapping[str, Any], alert: Mapping[str, Any]) -> Alert:
    labels, notes = dict(alert["labels"]), alert["annotations"]
    threshold = _LAST_NUMBER.search(rule["query"])
    current = float(alert["value"])
    return Alert(
        name=labels.pop("alertname"),
        level=labels.pop("severity"),
        message=notes.get("description") or notes.get("summary") or "",
        threshold=float(threshold[1]) if threshold else None,
        current=current if math.isfinite(current) else None,
        since=alert["activeAt"],
        labels=labels,
        runbook=notes.get("runbook_url", ""),
    )


async def read_facts(prometheus: JsonClient, component: Component, seconds: float) -> Facts:
    """Return what is known of a component; a failure is one of the facts."""
    try:
        content = await _ask(prometheus, query_path(question(component)), seconds)
        return _read_answer(component, read_series(content))
    except TargetError as error:
        return Facts(problem=str(error))
    except (KeyError, ValueError):
        return Facts(problem="that is no answer of Prometheus")


async def _ask(prometheus: JsonClient, path: str, seconds: float) -> Any:
    async with answer_within(seconds):
        return await prometheus.get(path)


def question(component: Component) -> str:
    """Return one PromQL query for all about a component; a label says which part a series answers."""
    parts = [(_IS_WATCHED, f"group({component.watched})")]
    if component.jobs:
        parts.append((_IS_DOWN, f'up{{job=~"{component.jobs}"}} == 0'))
    parts += [(measure.field, measure.query) for measure in component.measures]
    return " or ".join(f'label_replace({query}, "{_MARK}", "{name}", "", "")' for name, query in parts)


def _read_answer(component: Component, series: Series) -> Facts:
    truths = {measure.field for measure in component.measures if measure.is_truth}
    metrics: dict[str, float | bool] = {}
    down = []
    is_watched = False
    for labels, value in series:  # finite: JSON has no NaN
        name = labels[_MARK]
        if name == _IS_WATCHED:
            is_watched = True
        elif name == _IS_DOWN:
            down.append(f"{labels['job']} {labels['instance']}")
        else:
            metrics[name] = bool(value) if name in truths else value
    return Facts(is_watched, tuple(sorted(down)), metrics)

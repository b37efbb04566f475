"""Make one state of what is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from .answer import Alert, Check, ComponentHealth, State
from .component import Component
from .observe import Facts, FiringAlerts

_OF_LEVEL = {"critical": State.UNHEALTHY, "warning": State.DEGRADED}
_WORST_FIRST = (State.UNHEALTHY, State.DEGRADED)
_ORIGIN = "prometheus"


def judge(
    component: Component,
    facts: Facts,
    firing: FiringAlerts | None,
    checks: Sequence[Check],
    problem: str,
    grafana_page: str,
) -> ComponentHealth:
    """Return the health of a component; without `firing` Prometheus tells nothing: `problem` says why."""
    alerts = [alert for label, alert in firing.alerts if component.owns(alert.name, label)] if firing else []
    troubles = [*_troubles(alerts, checks, facts.down), *_own_troubles(component, firing, problem)]
    states = {state for state, _ in troubles}
    return ComponentHealth(
        component=component.name,
        title=component.title,
        status=next((state for state in _WORST_FIRST if state in states), _calm(facts, checks, problem)),
        reasons=list(dict.fromkeys([*(reason for _, reason in troubles), *_unread(facts, problem)])),
        metrics=dict(facts.metrics),
        alerts=alerts,
        checks=list(checks),
        dashboard=f"{grafana_page}/d/{component.dashboard}",
    )


def _troubles(
    alerts: Iterable[Alert], checks: Iterable[Check], down: Iterable[str]
) -> list[tuple[State, str]]:
    found = [(State.UNHEALTHY, f"{one.target}: {one.problem}") for one in checks if not one.answers]
    found += [
        (_OF_LEVEL[one.level], f"{one.name}: {one.message}") for one in alerts if one.level in _OF_LEVEL
    ]
    # A single scrape may fail; that it stays so is for the alerts to say.
    return found + [(State.DEGRADED, f"{target} does not answer Prometheus") for target in down]


def _own_troubles(component: Component, firing: FiringAlerts | None, problem: str) -> list[tuple[State, str]]:
    if component.name != _ORIGIN:
        return []
    if problem:
        return [(State.UNHEALTHY, problem)]
    if firing and not firing.has_watchdog:
        return [(State.UNHEALTHY, "the alert Watchdog, which always fires, does not: no rule runs")]
    return []


def _unread(facts: Facts, problem: str) -> list[str]:
    # What concerns all components is said once, not by each.
    return [f"its metrics cannot be read: {facts.problem}"] if facts.problem and not problem else []


def _calm(facts: Facts, checks: Sequence[Check], problem: str) -> State:
    if problem or facts.problem:
        return State.UNKNOWN
    return State.HEALTHY if facts.is_watched or checks else State.NOT_CONFIGURED


def judge_all(
    components: Sequence[ComponentHealth], alerts: Iterable[Alert], required: Set[str], problem: str
) -> State:
    """Return the state of all: only a required component makes it unhealthy, any other degraded."""
    if any(one.status is State.UNHEALTHY for one in components if one.component in required):
        return State.UNHEALTHY
    if problem:
        return State.UNKNOWN
    troubled = {one.status for one in components} - {State.HEALTHY, State.NOT_CONFIGURED}
    # Rules of a user's own may name components that are not in the matrix.
    return State.DEGRADED if troubled or any(one.level in _OF_LEVEL for one in alerts) else State.HEALTHY

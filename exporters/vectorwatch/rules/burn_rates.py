"""Rules from service levels: recordings, alerts on how fast the error budget burns, and its end foreseen.

Two series a level are recorded each minute, errors and events; every window is a quotient of their sums. So
the weight of traffic is right in all of them, and a window of 30 days costs what 43,200 samples cost; what
looks at days and months does so every four minutes only, as seldom as five minutes of memory allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .render import dump
from .service_levels import RATIO_WINDOWS, Pair, ServiceLevel

FILE = "service-levels.yml"
_HEADER = """\
# Made by `make rules` from prometheus/service-levels.yml; edit that, not this.
# The way of it: Google's SRE workbook, chapter 5, alert on burn rate in several windows.
"""
_SOON_SECONDS = 3 * 86_400
_SELDOM = "4m"
_MINUTES = {"5m": 5, "30m": 30, "1h": 60, "2h": 120, "6h": 360, "1d": 1440, "3d": 4320}
_RUNBOOK = "{{ $externalURL }}/user/runbooks/"
_DASHBOARD = "/d/vw-service-levels?var-slo={{ $labels.service_level | urlquery }}"


def write_rules(levels: Sequence[ServiceLevel]) -> str:
    """Return the file of rules for `levels`."""
    groups = [_watch_indicators(), *(group for level in levels for group in _watch(level))]
    return _HEADER + dump({"groups": groups})


def _watch_indicators() -> dict[str, Any]:
    # Present without traffic, gone without the service. A day after its end it is taken for intended.
    expression = (
        "group by (service_level) (count_over_time(service_level:events:rate5m[1d]))\n"
        "unless group by (service_level) (service_level:events:rate5m)\n"
    )
    alert = {
        "alert": "ServiceLevelBlind",
        "expr": expression,
        "for": "15m",
        "labels": {"severity": "warning", "component": "monitoring"},
        "annotations": {
            "summary": "A service level can no longer be measured.",
            "description": (
                "Nothing is known of {{ $labels.service_level }} any more, so none of its alerts can fire."
            ),
            "runbook_url": f"{_RUNBOOK}ServiceLevelBlind.md",
            "dashboard_url": _DASHBOARD,
        },
    }
    return {"name": "service-levels", "interval": _SELDOM, "rules": [alert]}


def _watch(level: ServiceLevel) -> Iterator[dict[str, Any]]:
    *ratios, remaining, exhaustion = _record(level)
    *burning, exhausting = _alert(level)
    yield {"name": f"service-level {level.name}", "interval": "1m", "rules": [*ratios, *burning]}
    rules = [remaining, exhaustion, exhausting]
    yield {"name": f"error-budget {level.name}", "interval": _SELDOM, "rules": rules}


def _record(level: ServiceLevel) -> list[dict[str, Any]]:
    def record(name: str, expression: str) -> dict[str, Any]:
        return {
            "record": f"service_level:{name}",
            "expr": expression,
            "labels": {"service_level": level.name},
        }

    events, errors = _select("events:rate5m", level), _select("errors:rate5m", level)
    period = f"{level.windows.days}d"
    return [
        *(record(name, expression) for name, expression in _count(level, errors)),
        record("error_ratio:rate5m", f"{errors}\n/ ({events} > 0)\n"),
        *(record(f"error_ratio:rate{window}", _divide(errors, events, window)) for window in RATIO_WINDOWS),
        record("objective:ratio", f"vector({level.objective!r})"),  # what dashboards divide by
        record(
            "error_budget_remaining:ratio", f"1 - (\n{_divide(errors, events, period)})\n/ {level.budget!r}\n"
        ),
        record(
            "error_budget_exhaustion:seconds",
            f"{level.windows.days * 86_400}"
            f" * clamp_min({_select('error_budget_remaining:ratio', level)}, 0)\n"
            f"/ ({_select('error_ratio:rate1d', level)} / {level.budget!r} > 0)\n",
        ),
    ]


def _count(level: ServiceLevel, errors: str) -> list[tuple[str, str]]:
    if not level.total:
        # In time: a second that was bad is an error, each second an event.
        return [
            ("errors:rate5m", f"avg_over_time((\n{level.errors}\n)[5m:1m])\n"),
            ("events:rate5m", f"0 * {errors} + 1"),
        ]
    return [
        ("events:rate5m", f"{level.total}\n"),
        # Counters of errors that have not happened yet are missing.
        ("errors:rate5m", f"(\n{level.errors}\n)\nor 0 * (\n{level.total}\n)\n"),
    ]


def _alert(level: ServiceLevel) -> list[dict[str, Any]]:
    burn = {
        "summary": "A service level is missed so fast that its error budget will not last.",
        "description": (
            f"{level.summary}: not so for {{{{ $value | humanizePercentage }}}} lately{_where(level)}."
            f" {level.budget * 100:g} % are allowed over {level.windows.days} days."
        ),
        "runbook_url": f"{_RUNBOOK}ErrorBudgetBurn.md",
        "dashboard_url": _DASHBOARD,
    }
    soon = {
        "summary": "The error budget of a service level is spent, or will be in days.",
        "description": (
            f"{level.summary}: as things go{_where(level)}, the error budget of {level.windows.days} days"
            " lasts for {{ $value | humanizeDuration }}."
        ),
        "runbook_url": f"{_RUNBOOK}ErrorBudgetExhausting.md",
        "dashboard_url": _DASHBOARD,
    }
    labels = {"component": level.component, "service_level": level.name}
    ending = (
        f"{_select('error_budget_exhaustion:seconds', level)} < {_SOON_SECONDS}\n"
        f"and {_select('error_ratio:rate1d', level)} > {level.budget!r}\n{_guard(level, '1d')}\n"
    )
    return [
        {
            "alert": "ErrorBudgetBurn",
            "expr": _burn(level, level.windows.page),
            "for": "2m",
            "keep_firing_for": "5m",
            "labels": {"severity": "critical", **labels},
            "annotations": burn,
        },
        {
            "alert": "ErrorBudgetBurn",
            "expr": _burn(level, level.windows.ticket),
            "for": "15m",
            "keep_firing_for": "15m",
            "labels": {"severity": "warning", **labels},
            "annotations": burn,
        },
        {
            "alert": "ErrorBudgetExhausting",
            "expr": ending,
            "for": "1h",
            "labels": {"severity": "warning", **labels},
            "annotations": soon,
        },
    ]


def _burn(level: ServiceLevel, pairs: Sequence[Pair]) -> str:
    return "\nor\n".join(f"(\n{_judge(level, pair)}\n)" for pair in pairs) + "\n"


def _judge(level: ServiceLevel, pair: Pair) -> str:
    limit = f"{pair.factor:g} * {level.budget!r}"
    return (
        f"{_select(f'error_ratio:rate{pair.short}', level)} > {limit}\n"
        f"and {_select(f'error_ratio:rate{pair.long}', level)} > {limit}\n{_guard(level, pair.long)}"
    )


def _guard(level: ServiceLevel, window: str) -> str:
    """Return the condition that there is enough to judge by: half of the window, and not too few events."""
    events = f"{_select('events:rate5m', level)}[{window}]"
    guard = f"and count_over_time({events}) >= {_MINUTES[window] // 2}"
    return f"{guard}\nand 60 * sum_over_time({events}) >= {level.minimum!r}" if level.minimum else guard


def _divide(errors: str, events: str, window: str) -> str:
    return f"sum_over_time({errors}[{window}])\n/ (sum_over_time({events}[{window}]) > 0)\n"


def _select(name: str, level: ServiceLevel) -> str:
    return f'service_level:{name}{{service_level="{level.name}"}}'


def _where(level: ServiceLevel) -> str:
    words = {"instance": " on ", "collection": " in ", "job": ", "}
    # `job` last: it says least.
    labels = [label for label in (*words, *level.by) if label in level.by]
    return "".join(
        f"{words.get(label, f', {label} ')}{{{{ $labels.{label} }}}}" for label in dict.fromkeys(labels)
    )

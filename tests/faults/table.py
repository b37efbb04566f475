"""What was found, as lines for people and as the page docs/reference/fault-matrix.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.faults.declared import FAULTS
from tests.faults.fault import Fault
from tests.faults.healthy import NAME
from tests.faults.outcome import Outcome, Sighting

_INTRODUCTION = """\
# Fault matrix

What really happens when something breaks: each fault below was injected into a running demo, one at a time,
with the rules, routes and times that this repository ships. The alerts of the table must fire within the
bound in brackets, no other critical alert may fire but those that the second table explains, and after the
mending each must end within its bound, with a message in Slack (which the inbox plays) at both. A bound is
what the configuration asks for (scrape, window, evaluation, `for`; at the end the window again and
`keep_firing_for`), and 45 s for a busy machine.

```sh
make faults                                # all of it; `python -m tests.faults --list` names the faults
.venv/bin/python -m tests.faults cache-killed page-failing
.venv/bin/python -m tests.faults --table   # this page, from build/fault-matrix.json
```
"""
_PARTS = """\
Prometheus, Alertmanager, blackbox_exporter, the exporters, the probe and the inbox are what a user runs.
The cache is Valkey. The server of Qdrant is a stand-in around the real engine, so that what only a cluster
can do (replicas, consensus) is not here; the large language model and its prices are simulated. Where the
inbox or Alertmanager is what breaks, the seconds of the first message count from the mending. Of a fault
with two alerts the message of one may have been looked for only when the other fired or ended, too.
"""
_HEAD = (
    "| fault | what is done | alert | fires | told | ends | told |",
    "|---|---|---|---|---|---|---|",
)
_COMPANY_HEAD = ("| fault | alert | fires | why |", "|---|---|---|---|")


def write_line(outcome: Outcome) -> str:
    """Return the line of an outcome, and one for each thing that is wrong."""
    fired = ", ".join(
        f"{one.alert} {_write_seconds(one.fired_seconds)} of {one.fire_bound_seconds}, ended"
        f" {_write_seconds(one.ended_seconds)} of {one.end_bound_seconds}"
        for one in outcome.sightings
    )
    verdict = "FAILED" if outcome.failures else "ok    "
    lines = [f"  {verdict} {outcome.name:<28}{outcome.seconds:6.0f} s  {fired}"]
    return "\n".join([*lines, *(f"         {failure}" for failure in outcome.failures)])


def write_table(results: Mapping[str, Outcome]) -> str:
    """Return the page; `results` has the healthy run, and the outcome of each fault that was tried."""
    tried = [fault for fault in FAULTS if fault.name in results]
    rows = [row for fault in tried for row in _write_rows(fault, results[fault.name])]
    company = [row for fault in tried for row in _write_company(fault, results[fault.name])]
    untried = [f"- `{fault.name}`: {fault.what}" for fault in FAULTS if fault not in tried]
    parts = [
        _INTRODUCTION,
        _write_place([results[fault.name] for fault in tried]),
        _PARTS,
        "\n".join([*_HEAD, *rows]) + "\n",
        "## What else fired\n",
        "Warnings and infos follow from most faults and need no reason; a critical alert does.\n",
        "\n".join([*_COMPANY_HEAD, *company]) + "\n",
        "## Nothing broken\n",
        _write_healthy(results[NAME]),
    ]
    if untried:
        parts += ["## Not tried yet\n", "\n".join(untried) + "\n"]
    return "\n".join(parts)


def _write_rows(fault: Fault, outcome: Outcome) -> list[str]:
    """Return the rows of a fault, one for each alert that must fire."""
    return [
        f"| `{fault.name}` | {fault.what} | {_link(one.alert)} ({one.severity})"
        f" | {_write_bounded(one.fired_seconds, one.fire_bound_seconds)}"
        f" | {_write_told(one, one.told_seconds)}"
        f" | {_write_bounded(one.ended_seconds, one.end_bound_seconds)}"
        f" | {_write_told(one, one.end_told_seconds)} |"
        for one in outcome.sightings
    ]


def _write_company(fault: Fault, outcome: Outcome) -> list[str]:
    return [
        f"| `{fault.name}` | {_link(fired.alert)} ({fired.severity}) | {fired.seconds:.0f} s"
        f" | {fault.company.get(fired.alert, '') if fired.severity == 'critical' else ''} |"
        for fired in outcome.also_fired
    ]


def _write_place(tried: Sequence[Outcome]) -> str:
    machines = "; ".join(sorted({outcome.machine for outcome in tried}))
    dates = sorted(outcome.date for outcome in tried)
    loads = sorted(outcome.load for outcome in tried)
    return (
        f"{len(tried)} faults, tried between {dates[0]} and {dates[-1]} on one machine ({machines}), several"
        f" at a time and beside other work: its load was {loads[0]:g} to {loads[-1]:g}.\n"
    )


def _write_healthy(outcome: Outcome) -> str:
    return (
        f"In a demo of {outcome.seconds / 60:.0f} minutes nothing fired from its start on but Watchdog"
        f" ({outcome.date}, {outcome.machine}, load {outcome.load:g} at the end). `make faults` looks at the"
        " demo that waits for `cost-spike`; `.venv/bin/python -m tests.faults healthy --minutes 20` runs one"
        " for it.\n"
    )


def _write_told(sighting: Sighting, seconds: float | None) -> str:
    return sighting.untold if seconds is None else f"{seconds:.0f} s"


def _write_bounded(seconds: float | None, bound: int) -> str:
    return f"{_write_seconds(seconds)} ({bound})"


def _write_seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def _link(alert: str) -> str:
    return f"[{alert}](../runbooks/{alert}.md)"

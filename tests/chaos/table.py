"""What was found, as lines for people and as the page docs/reference/chaos.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.chaos.declared import ACCEPTED, NO_NETWORK, NOT_TRIED, OWN_VOLUMES, TRIALS, is_accepted
from tests.chaos.outcome import Loss, Outcome
from tests.chaos.trial import MENDING, WHAT, Kind, Trial

_INTRODUCTION = """\
# Chaos

What happens on a real Docker engine when a container crashes, is killed, is paused, is cut off, has no memory
or no disk left, and when all of them end at once: which alert begins, what heals by itself and when, what is
lost. The compose file is the one of this repository, unchanged, with the logs and the profile `demo`.

```sh
make chaos                                 # what has no result yet (Linux, root)
.venv/bin/python -m tests.chaos --again    # all of them anew; more than an hour
.venv/bin/python -m tests.chaos --list     # names the trials
.venv/bin/python -m tests.chaos inbox-filled all-crashed
.venv/bin/python -m tests.chaos --table    # this page, from tests/chaos/results.json
```

It is not part of `make test`, nor of CI.
"""
_READING = """\
How to read it: an alert *begins* when its expression holds, and fires after the `for` of its rule, in
brackets. One whose `for` is at most two minutes was waited for until it fired and its message was in the
inbox; of the others only the begin was (`--until-firing` waits for all). *Well* is healthy for Docker, and
for Prometheus where it watches the service. An alert's seconds count from the break; those until it is well
count from what a person did, or from the break where nobody did anything. Of killed, paused and cut off many
were broken at once, so that a service may have waited for another; disks were full at the same time, too.
"""
_PARTS = """\
Docker, Prometheus, Alertmanager, Jaeger, node_exporter, blackbox_exporter, Elastic's exporter and all
programs of this repository are real. Elasticsearch, Logstash, Filebeat and Kibana are stand-ins of the tests,
Qdrant is the demo's engine, the cache is Valkey: what the tables say of those proves the compose file, the
alerts and the ways between them, and nothing of how the real programs store. Without cAdvisor nobody saw what
its alerts say: ContainerOomKilled, ContainerRestarting, ContainerUnhealthy, ContainerVanished.
"""
_ALONE_TEXT = """\
Docker's restart policy starts it again, before the `for` of any alert is over. That the kernel killed
something is [HostOomKill](../runbooks/HostOomKill.md); a third start within half an hour is
[ProcessRestarting](../runbooks/ProcessRestarting.md).
"""
_ATTENDED_TEXT = """\
None of it heals by itself: Docker restarts neither what it was told to kill nor what is unhealthy. Docker's
own health checks ask inside of the container and do not see that a network is gone; Prometheus does. After
`docker unpause` it is the next health check, up to 30 s later, that says well.
"""
_FILLED_TEXT = """\
Nobody starts anything by hand: once there is room, each goes on by itself. The volumes of a real
installation lie on the disk of the host: [HostDiskSpaceLow](../runbooks/HostDiskSpaceLow.md) and
[HostDiskFillingUp](../runbooks/HostDiskFillingUp.md) speak before it is full. What a store refuses, its
sender knows of: Alertmanager, Filebeat and Logstash try again.
"""
_WHOLE_TEXT = """\
An engine that was killed and is started again stops, in order, all containers that still run, takes that
for a person's wish, and `restart: unless-stopped` then starts none of them: `docker compose up -d` does.
(Seen with Docker's own `live-restore` off, which is the default.) Nobody here is left to alert: your dead
man's switch is.
"""
_ALSO_TEXT = """\
Beside the alerts above; what only began has `(pending)`. All that was broken at the same time is to be seen
here, and what an earlier round still led to.
"""
_ATTENDED = (Kind.KILLED, Kind.PAUSED, Kind.CUT)
_ALONE = (Kind.CRASHED, Kind.STARVED)
_WHOLE = (Kind.ALL_CRASHED, Kind.ALL_KILLED, Kind.ENGINE_KILLED)
_SILENT: Mapping[str, str] = dict(
    zip(
        dict.fromkeys(trial.silent for trial in TRIALS if trial.kind is Kind.KILLED and trial.silent),
        ("¹", "²", "³"),
        strict=False,
    )
)
"""By reason for which no alert is expected: its mark."""
NOTHING = "—"
"""What stands where there is nothing to try."""
UNTRIED = "not tried yet"
_NO_LOSS = "nothing"
_BEGAN = " (pending)"

Outcomes = Mapping[str, Outcome]


def write_line(outcome: Outcome) -> str:
    """Return the line of an outcome, and one for each thing that is wrong or lost."""
    healed = "not well" if outcome.healed_seconds is None else f"well {outcome.healed_seconds:.1f} s"
    verdict = "FAILED" if outcome.failures else "ok    "
    alert = "" if outcome.pending_seconds is None else f", {_write_alert(outcome)}"
    lost = f", lost {_write_lost([outcome])}" if outcome.lost else ""
    more = [f"         {line}" for line in outcome.failures]
    return "\n".join([f"  {verdict} {outcome.name:<34}{healed}{alert}{lost}", *more])


def write_table(outcomes: Outcomes) -> str:
    """Return the page."""
    parts = [
        _INTRODUCTION,
        _write_place(outcomes),
        _PARTS,
        _READING,
        "## Crashed, or out of memory\n",
        _write_what(_ALONE),
        _ALONE_TEXT,
        _write_alone(outcomes),
        "## Killed, paused, or cut off\n",
        _write_what(_ATTENDED),
        _ATTENDED_TEXT,
        _write_attended(outcomes),
        _write_silent(),
        "## The disk is full\n",
        _write_what([Kind.FILLED]),
        _FILLED_TEXT,
        _write_filled(outcomes),
        "## Everything at once\n",
        _write_what(_WHOLE),
        _WHOLE_TEXT,
        _write_whole(outcomes),
        "## What was lost\n",
        _write_losses(outcomes),
        "## What else began\n",
        _ALSO_TEXT,
        _write_also(outcomes),
        "## Not tried\n",
        _write_untried(outcomes),
    ]
    if failed := [outcome for outcome in outcomes.values() if outcome.failures]:
        lines = [f"- `{one.name}`: {'; '.join(one.failures)}" for one in failed]
        parts += ["## Not as it should be\n", "\n".join(lines) + "\n"]
    return "\n".join(parts)


def _write_place(outcomes: Outcomes) -> str:
    tried = list(outcomes.values())
    if not tried:
        return "Nothing was tried yet.\n"
    machines = "; ".join(sorted({one.machine for one in tried}))
    dates, loads = sorted(one.date for one in tried), sorted(one.load for one in tried)
    most = max(one.kept for one in tried)
    return (
        f"{len(tried)} trials between {dates[0]} and {dates[-1]} on one machine ({machines}), beside other"
        f" work: its load was {loads[0]:g} to {loads[-1]:g}. Before each break, and every few seconds while"
        " it lasted, something was given to each store; what was acknowledged was looked for again after each"
        f" round of trials, at most {most} things at once.\n"
    )


def _write_what(kinds: Iterable[Kind]) -> str:
    return "".join(
        f"- **{kind}**: {WHAT[kind]}" + (f"; mended by {MENDING[kind]}\n" if kind in MENDING else "\n")
        for kind in kinds
    )


def _write_alone(outcomes: Outcomes) -> str:
    rows = [
        [f"`{service}`", *cells, _write_lost(_find(outcomes, service, _ALONE))]
        for service in _list_services(_ALONE)
        for cells in [[_write_healed(outcomes, service, kind) for kind in _ALONE]]
    ]
    return _draw(["service", "crashed: well by itself", "out of memory: well by itself", "lost"], rows)


def _write_attended(outcomes: Outcomes) -> str:
    rows = []
    for service in _list_services(_ATTENDED):
        trial = next(one for one in TRIALS if one.service == service and one.kind is Kind.KILLED)
        found = _find(outcomes, service, _ATTENDED)
        alert = _link(trial) + (f" ({found[0].for_seconds} s)" if found and trial.expected else "")
        cells = [_write_attended_cell(outcomes, service, kind) for kind in _ATTENDED]
        rows.append([f"`{service}`", alert, *cells, _write_lost(found)])
    return _draw(["service", "alert (`for`)", "killed", "paused", "cut off", "lost"], rows)


def _write_attended_cell(outcomes: Outcomes, service: str, kind: Kind) -> str:
    outcome = outcomes.get(f"{service}-{kind}")
    healed = _write_healed(outcomes, service, kind)
    if outcome is None or outcome.pending_seconds is None:
        return healed if outcome is None else f"well {healed}"
    return f"{_write_alert(outcome)}; well {healed}"


def _write_filled(outcomes: Outcomes) -> str:
    rows = []
    for service in _list_services([Kind.FILLED]):
        trial = next(one for one in TRIALS if one.service == service and one.kind is Kind.FILLED)
        found = _find(outcomes, service, [Kind.FILLED])
        alert = f"{_link(trial)}: {_write_alert(found[0])}" if trial.expected and found else NOTHING
        refused = ", ".join(kind for one in found for kind in one.refused) or NOTHING
        healed = _write_healed(outcomes, service, Kind.FILLED)
        healed += "".join(f"; meanwhile {note}" for one in found for note in one.notes)
        rows.append([f"`{service}`", alert, refused, healed, _write_lost(found)])
    head = ["service", "alert", "refused meanwhile", "well once there is room", "lost"]
    return _draw(head, rows)


def _write_whole(outcomes: Outcomes) -> str:
    rows = []
    for kind in _WHOLE:
        found = [outcomes[kind]] if kind in outcomes else []
        rows.append([f"`{kind}`", _write_healed(outcomes, "", kind), _write_lost(found)])
    return _draw(["trial", "all well", "lost"], rows)


def _write_losses(outcomes: Outcomes) -> str:
    lost: dict[str, list[tuple[Trial, Loss]]] = {}
    for trial in TRIALS:
        for loss in outcomes[trial.name].lost if trial.name in outcomes else ():
            lost.setdefault(loss.kind, []).append((trial, loss))
    lines = [
        f"- **{kind}**, at most {max(max(loss.oldest_seconds, 0) for _, loss in found):.0f} s old:"
        f" {ACCEPTED[kind].reason if all(is_accepted(loss, trial) for trial, loss in found) else 'a defect'}."
        for kind, found in sorted(lost.items())
    ]
    return "\n".join(lines or ["Nothing that was acknowledged."]) + "\n"


def _write_also(outcomes: Outcomes) -> str:
    rows = []
    for kind in Kind:
        found = [outcomes[trial.name] for trial in TRIALS if trial.kind is kind and trial.name in outcomes]
        titles = {title for one in found for title in one.also}
        # Of what began in one trial and fired in another, the latter.
        shown = sorted(
            title
            for title in titles
            if not title.endswith(_BEGAN) or title.removesuffix(_BEGAN) not in titles
        )
        rows.append([str(kind), ", ".join(shown) or NOTHING])
    return _draw(["kind", "alerts"], rows)


def _write_untried(outcomes: Outcomes) -> str:
    lines = [f"- `{service}`: {reason}" for service, reason in NOT_TRIED.items()]
    lines.append(f"- cut off: {_name(NO_NETWORK)}, which have no network")
    lines.append(
        f"- the disk is full: {_name(OWN_VOLUMES)}, which keep nothing that cannot be made again, and those"
        " without a volume"
    )
    lines += [f"- `{trial.name}`: {UNTRIED}" for trial in TRIALS if trial.name not in outcomes]
    return "\n".join(lines) + "\n"


def _write_healed(outcomes: Outcomes, service: str, kind: Kind) -> str:
    name = f"{service}-{kind}" if service else str(kind)
    if name not in {trial.name for trial in TRIALS}:
        return NOTHING
    if name not in outcomes:
        return UNTRIED
    seconds = outcomes[name].healed_seconds
    return "**not within 300 s**" if seconds is None else f"{seconds:.0f} s"


def _write_alert(outcome: Outcome) -> str:
    if outcome.pending_seconds is None:
        return "**none**"
    fired = "" if outcome.fired_seconds is None else f", fires {outcome.fired_seconds:.0f} s"
    told = "" if outcome.told_seconds is None else f", told {outcome.told_seconds:.0f} s"
    return f"begins {outcome.pending_seconds:.0f} s{fired}{told}"


def _write_lost(outcomes: Sequence[Outcome]) -> str:
    losses = [loss for one in outcomes for loss in one.lost]
    kinds = sorted({loss.kind for loss in losses})
    counts = {kind: sum(loss.count for loss in losses if loss.kind == kind) for kind in kinds}
    if not outcomes:
        return UNTRIED
    return ", ".join(f"{count} × {kind}" for kind, count in counts.items()) or _NO_LOSS


def _find(outcomes: Outcomes, service: str, kinds: Iterable[Kind]) -> list[Outcome]:
    return [outcomes[name] for kind in kinds if (name := f"{service}-{kind}") in outcomes]


def _list_services(kinds: Iterable[Kind]) -> list[str]:
    return sorted({trial.service for trial in TRIALS if trial.kind in kinds})


def _link(trial: Trial) -> str:
    if trial.expected is None:
        return f"none {_SILENT[trial.silent]}"
    return f"[{trial.expected.alert}](../runbooks/{trial.expected.alert}.md)"


def _write_silent() -> str:
    return "".join(f"{mark} {reason[0].upper()}{reason[1:]}.\n\n" for reason, mark in _SILENT.items())


def _name(services: Iterable[str]) -> str:
    return ", ".join(f"`{service}`" for service in services)


def _draw(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n"

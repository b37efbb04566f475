"""One round after the other: break, watch, mend, see what is healed and what is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep

import httpx

from tests.chaos.breaks import disk, engine, memory, network, processes
from tests.chaos.canary import KINDS, Canary
from tests.chaos.declared import VOLUMES, is_accepted
from tests.chaos.outcome import Loss, Outcome
from tests.chaos.scene import Mend, Scene
from tests.chaos.trial import Expected, Kind, Trial
from tests.chaos.watch import Watch
from tests.faults.outcome import write_now
from tests.faults.rules import Key, Rule
from tests.smoke.container import Container
from tests.smoke.stage import wait
from vectorwatch.errors import VectorwatchError

Note = Callable[[Outcome], None]

_BROKEN_SECONDS = 60.0
"""The shortest outage that somebody must mend: longer than two scrapes and an evaluation."""
_LAG_SECONDS = 75.0
"""Scrape, its time-out, evaluation, and what a busy machine takes on top."""
_MESSAGE_SECONDS = 75.0
_AWAITED_SECONDS = 120
"""An alert whose `for` is longer is not waited for until it fires, unless asked."""
_HEALED_SECONDS = 300.0
_CALM_SECONDS = 420.0
_LOOK_SECONDS = 0.5
_WRITE_SECONDS = 10.0
_ONE: Mapping[Kind, Callable[[Scene, str], Mend]] = {
    Kind.CRASHED: processes.crash,
    Kind.KILLED: processes.kill,
    Kind.PAUSED: processes.pause,
    Kind.CUT: network.cut,
    Kind.STARVED: memory.starve,
    Kind.FILLED: lambda scene, service: disk.fill(scene, VOLUMES[service]),
}
_ALL: Mapping[Kind, Callable[[Scene], Mend]] = {
    Kind.ALL_CRASHED: processes.crash_all,
    Kind.ALL_KILLED: processes.kill_all,
    Kind.ENGINE_KILLED: engine.kill_and_start,
}
_ERRORS = (VectorwatchError, httpx.HTTPError, OSError)


class Rounds:
    """Runs rounds in a scene; what one leaves behind the next waits for."""

    def __init__(self, scene: Scene, rules: Mapping[Key, Rule], note: Note, *, until_firing: bool) -> None:
        self._scene = scene
        self._rules = rules
        self._note = note
        self._until_firing = until_firing
        self._canary = Canary(scene, KINDS)

    def run(self, trials: Sequence[Trial]) -> None:
        """Run the trials of one round and note their outcomes."""
        outcomes = {trial: Outcome(trial.name, write_now()) for trial in trials}
        try:
            self._become_calm(trials)
            if trials[0].heals_itself:
                self._run_alone(outcomes)
            else:
                self._run_together(outcomes)
        except _ERRORS as error:
            for outcome in outcomes.values():
                outcome.failures.append(f"{type(error).__name__}: {error}")
        for outcome in outcomes.values():
            outcome.end()
            self._note(outcome)

    def _run_alone(self, outcomes: Mapping[Trial, Outcome]) -> None:
        """Break one after the other; nobody mends."""
        watch, broken = Watch(self._scene.stage), monotonic()
        for trial, outcome in outcomes.items():
            self._scene.look()
            before = dict(self._scene.containers)
            self._refuse(outcome, self._canary.write(trial.service))
            broken = monotonic()
            try:
                self._break(trial)
                outcome.healed_seconds = self._see_restarted(trial, before, broken)
            except VectorwatchError as error:
                outcome.failures.append(str(error))
            watch.look()
        self._judge(outcomes, watch, broken)

    def _run_together(self, outcomes: Mapping[Trial, Outcome]) -> None:
        """Break all at the same time, and mend all."""
        self._scene.look()
        if volumes := [VOLUMES[trial.service] for trial in outcomes if trial.kind is Kind.FILLED]:
            self._give_file_systems(list(outcomes), volumes)
        before = dict(self._scene.containers)
        self._refuse(None, self._canary.write())
        mends: dict[Trial, Mend] = {}
        mended: dict[Trial, float] = {}
        watch = Watch(self._scene.stage)
        broken = monotonic()
        try:
            for trial in outcomes:
                mends[trial] = self._break(trial)
            self._scene.say(f"  broken: {', '.join(trial.name for trial in outcomes)}")
            self._watch(outcomes, watch)
        finally:
            for trial, mend in mends.items():
                mended[trial] = monotonic()
                outcomes[trial].broken_seconds = round(mended[trial] - broken, 1)
                mend()
        end = monotonic() + _HEALED_SECONDS
        for trial, outcome in outcomes.items():
            self._note_restarts(trial, outcome, before)
        waiting = dict(outcomes)
        while waiting and monotonic() < end:
            self._scene.look()
            for trial in [trial for trial in waiting if not self._explain_ill(trial)]:
                waiting.pop(trial).healed_seconds = round(monotonic() - mended[trial], 1)
            watch.look()
            sleep(_LOOK_SECONDS)
        for trial, outcome in waiting.items():
            outcome.failures.append(
                f"not well {_HEALED_SECONDS:g} s after the mending: {self._explain_ill(trial)}"
            )
        self._judge(outcomes, watch, broken)

    def _watch(self, outcomes: Mapping[Trial, Outcome], watch: Watch) -> None:
        limits = [self._bound_seconds(trial.expected) for trial in outcomes if trial.expected]
        limit, written = max([_BROKEN_SECONDS, *limits]), monotonic()
        while watch.seconds() < limit:
            watch.look()
            if watch.seconds() > _BROKEN_SECONDS and all(self._is_seen(trial, watch) for trial in outcomes):
                return
            if monotonic() - written > _WRITE_SECONDS:
                self._refuse(outcomes, self._canary.write())
                written = monotonic()
            sleep(_LOOK_SECONDS)

    def _is_seen(self, trial: Trial, watch: Watch) -> bool:
        if trial.expected is None:
            return True
        seen = watch.find(trial.expected)
        if seen is None or not self._is_awaited(trial.expected):
            return seen is not None
        return (seen.fired_seconds if trial.expected.untold else seen.told_seconds) is not None

    def _is_awaited(self, expected: Expected) -> bool:
        return self._until_firing or self._rule(expected).for_seconds <= _AWAITED_SECONDS

    def _bound_seconds(self, expected: Expected) -> float:
        firing = self._rule(expected).for_seconds + _MESSAGE_SECONDS if self._is_awaited(expected) else 0.0
        return expected.lag_seconds + _LAG_SECONDS + firing

    def _rule(self, expected: Expected) -> Rule:
        return self._rules[expected.alert, expected.severity]

    def _break(self, trial: Trial) -> Mend:
        self._scene.say(f"  {trial.name}")
        return (
            _ONE[trial.kind](self._scene, trial.service) if trial.service else _ALL[trial.kind](self._scene)
        )

    def _become_calm(self, trials: Sequence[Trial]) -> None:
        """Wait until all is healthy and no expected alert is left of an earlier round."""
        project = self._scene.stage.project
        project.wait_healthy(self._scene.stage.running, monotonic())
        awaited = [trial.expected for trial in trials if trial.expected]

        def explain() -> str:
            self._scene.look()
            answer = self._scene.stage.get("prometheus", "/api/v1/alerts").json()
            labels = [alert["labels"] for alert in answer["data"]["alerts"]]
            left = {one["alertname"] for one in labels if any(expected.covers(one) for expected in awaited)}
            ill = [trial.name for trial in trials if self._explain_ill(trial)]
            return ", ".join([*sorted(left), *ill])

        wait(explain, "calm before the round", limit_seconds=_CALM_SECONDS)

    def _give_file_systems(self, trials: Sequence[Trial], volumes: Sequence[str]) -> None:
        project, services = self._scene.stage.project, [trial.service for trial in trials]
        project.compose("--profile", "*", "stop", *services, timeout_seconds=300)
        disk.move_volumes(self._scene, volumes)
        project.up(self._scene.stage.started)
        self._become_calm(trials)
        self._scene.look()

    def _see_restarted(self, trial: Trial, before: Mapping[str, Container], broken: float) -> float:
        names = [trial.service] if trial.service else list(before)

        def explain() -> str:
            self._scene.look()
            now = self._scene.containers
            return ", ".join(
                f"{name} {now[name].status} {now[name].health}"
                for name in names
                if now[name].started_at == before[name].started_at or not _is_healthy(now[name])
            )

        wait(explain, f"{trial.name} heals by itself", names, _HEALED_SECONDS)
        return round(monotonic() - broken, 1)

    def _explain_ill(self, trial: Trial) -> str:
        names = [trial.service] if trial.service else list(self._scene.containers)
        ill = [name for name in names if not _is_healthy(self._scene.containers[name])]
        if ill or trial.expected is None:
            return ", ".join(ill)
        try:
            return (
                ""
                if self._scene.stage.prometheus.query(f"{trial.expected.well} == 1")
                else trial.expected.well
            )
        except httpx.HTTPError as error:
            return f"no answer of Prometheus ({type(error).__name__})"

    def _note_restarts(self, trial: Trial, outcome: Outcome, before: Mapping[str, Container]) -> None:
        if trial.service and trial.kind is not Kind.KILLED:
            self._scene.look()
            more = self._scene.containers[trial.service].restarts - before[trial.service].restarts
            if more:
                outcome.notes.append(f"restarted {more} times by Docker")

    def _refuse(self, outcomes: Mapping[Trial, Outcome] | Outcome | None, refused: set[str]) -> None:
        """Note which kinds of data were refused; before a break, none may be."""
        if isinstance(outcomes, Mapping):
            for trial, outcome in outcomes.items():
                own = {kind.name for kind in KINDS if not trial.service or kind.keeper == trial.service}
                outcome.refused = sorted({*outcome.refused, *(refused & own)})
        elif refused:
            self._scene.say(f"  refused before the break: {', '.join(sorted(refused))}")

    def _judge(self, outcomes: Mapping[Trial, Outcome], watch: Watch, broken: float) -> None:
        """Note the alerts and what was lost."""
        kept, lost = self._canary.count, self._canary.find_lost(broken)
        watch.look()
        expected = [trial.expected for trial in outcomes if trial.expected]
        also = {
            seen.title for seen in watch.list_seen() if not any(one.covers(seen.labels) for one in expected)
        }
        for trial, outcome in outcomes.items():
            outcome.kept, outcome.also = kept, sorted(also)
            outcome.lost = _choose(lost, trial, outcomes)
            outcome.failures += [
                f"{loss.count} × {loss.kind} lost, up to {loss.oldest_seconds:g} s old"
                for loss in outcome.lost
                if not is_accepted(loss, trial)
            ]
            if trial.expected is None:
                continue
            outcome.for_seconds = self._rule(trial.expected).for_seconds
            seen = watch.find(trial.expected)
            if seen is None:
                outcome.failures.append(f"{trial.expected.alert} did not begin")
                continue
            outcome.pending_seconds = round(seen.pending_seconds, 1)
            outcome.fired_seconds = seen.fired_seconds and round(seen.fired_seconds, 1)
            outcome.told_seconds = seen.told_seconds and round(seen.told_seconds, 1)
            if not self._is_awaited(trial.expected):
                continue
            if seen.fired_seconds is None:
                outcome.failures.append(f"{trial.expected.alert} did not fire")
            elif seen.told_seconds is None and not trial.expected.untold:
                outcome.failures.append(f"{trial.expected.alert} was not told")


def _choose(losses: Sequence[Loss], trial: Trial, outcomes: Mapping[Trial, Outcome]) -> list[Loss]:
    """Return the losses of the store that a trial broke; of stores that none broke, all of them."""
    broken = {one.service for one in outcomes}
    return [
        loss
        for loss in losses
        if not trial.service or loss.keeper == trial.service or loss.keeper not in broken
    ]


def _is_healthy(container: Container) -> bool:
    return container.status == "running" and container.health in ("", "healthy")

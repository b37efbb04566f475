"""One fault after the other, each from its injection to the last resolved message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, time

import httpx

from tests.faults.fault import MESSAGE_SECONDS, Expected, Fault
from tests.faults.healthy import HEALTHY_SECONDS, judge_health
from tests.faults.history import read_fired
from tests.faults.outcome import Outcome, Sighting, write_now
from tests.faults.rules import Rule, read_rules
from tests.faults.scene import LOOK_SECONDS, Scene, SceneError, open_scene
from vectorwatch.demo.repository import find_repository

_CALM_SECONDS = 900.0


def run_trials(faults: Sequence[Fault], say: Callable[[str], None], note: Callable[[Outcome], None]) -> None:
    """Inject faults one after the other, and note what happened.

    A fault follows another in the same demo, unless it needs a fresh one or the other went wrong. A demo that
    waits long enough for its fault is the healthy run as well. Raises VectorwatchError when a demo does not
    start, InterruptionError.
    """
    rules, waiting = read_rules(find_repository()), list(faults)
    while waiting:
        with open_scene() as scene:
            fresh = True
            while waiting and (fresh or not waiting[0].needs_fresh_demo):
                start = monotonic()
                fault = waiting.pop(0)
                say(f"{fault.name}: {fault.what}")
                trial = Trial(fault, scene, rules, say)
                outcome = trial.outcome
                try:
                    trial.become_calm()
                    if fault.warm_up_seconds >= HEALTHY_SECONDS:
                        note(judge_health(scene))
                    trial.run()
                except (SceneError, httpx.HTTPError, OSError) as error:
                    outcome.failures.append(f"{type(error).__name__}: {error}")
                outcome.end(monotonic() - start)
                note(outcome)
                if outcome.failures or fault.needs_fresh_demo:
                    break
                fresh = False


class Trial:
    """The steps of one trial."""

    def __init__(
        self, fault: Fault, scene: Scene, rules: Mapping[tuple[str, str], Rule], say: Callable[[str], None]
    ) -> None:
        self._fault = fault
        self._scene = scene
        self._say = say
        self.outcome = Outcome(fault.name, write_now())
        self._pairs: list[tuple[Expected, Sighting]] = []
        for expected in fault.expected:
            rule = rules[expected.alert, expected.severity]
            bounds = expected.fire_bound_seconds(rule), expected.end_bound_seconds(rule)
            sighting = Sighting(expected.alert, expected.severity, *bounds, expected.untold)
            self._pairs.append((expected, sighting))
        self.outcome.sightings = [sighting for _, sighting in self._pairs]

    def run(self) -> None:
        """Break and mend, and see what must happen."""
        since = self._scene.inbox.read_last_id()
        started = time()
        with self._fault.breaks(self._scene):
            injected = monotonic()
            self._say("injected")
            self._see_fire(injected, since)
            if not self._fault.told_after_mending:
                self._see_told("firing", since, "told_seconds", injected)
        mended = monotonic()
        self._say("mended")
        if self._fault.told_after_mending:
            self._see_told("firing", since, "told_seconds", mended)
        self._see_end(mended, since)
        self._see_told("resolved", since, "end_told_seconds", mended)
        self._judge_company(started)

    def become_calm(self) -> None:
        """Wait until the demo is well and nothing fires that could be taken for a consequence."""
        self._scene.wait_until_well()
        if self._fault.prepare:
            self._fault.prepare(self._scene)
        self._scene.interruption.pause(self._fault.warm_up_seconds)
        names = "|".join(expected.alert for expected in self._fault.expected)
        # Also what is pending only: it could fire in the midst of this trial.
        disturbing = f'ALERTS{{severity="critical"}} or ALERTS{{alertname=~"{names}"}}'
        self._scene.wait(lambda: self._name(disturbing), "nothing that matters fires before", _CALM_SECONDS)
        self._say("the demo is well")

    def _name(self, expression: str) -> str:
        return ", ".join(sample.labels["alertname"] for sample in self._scene.prometheus.query(expression))

    def _see_fire(self, start: float, since: int) -> None:
        def look() -> bool:
            if not self._fault.told_after_mending:
                self._note_told("firing", since, "told_seconds", start)
            for expected, sighting in self._pairs:
                if sighting.fired_seconds is None and self._is_firing(expected):
                    sighting.fired_seconds = _round(monotonic() - start)
                    self._say(f"{expected.alert} fires after {sighting.fired_seconds:g} s")
            return all(sighting.fired_seconds is not None for _, sighting in self._pairs)

        limit = max(sighting.fire_bound_seconds for _, sighting in self._pairs)
        self._look_until(look, start + limit)
        for _, sighting in self._pairs:
            self._check(sighting, "fire", sighting.fired_seconds, sighting.fire_bound_seconds)

    def _see_end(self, start: float, since: int) -> None:
        def look() -> bool:
            self._note_told("resolved", since, "end_told_seconds", start)
            for expected, sighting in self._pairs:
                fired = sighting.fired_seconds is not None
                if fired and sighting.ended_seconds is None and not self._is_firing(expected):
                    sighting.ended_seconds = _round(monotonic() - start)
                    self._say(f"{expected.alert} has ended after {sighting.ended_seconds:g} s")
            fired_ones = [one for _, one in self._pairs if one.fired_seconds is not None]
            return all(one.ended_seconds is not None for one in fired_ones)

        limit = max(sighting.end_bound_seconds for _, sighting in self._pairs)
        self._look_until(look, start + limit)
        for _, sighting in self._pairs:
            if sighting.fired_seconds is not None:
                self._check(sighting, "end", sighting.ended_seconds, sighting.end_bound_seconds)

    def _see_told(self, status: str, since: int, field_name: str, start: float) -> None:
        def look() -> bool:
            return not self._note_told(status, since, field_name, start)

        self._look_until(look, monotonic() + MESSAGE_SECONDS)
        for expected in self._note_told(status, since, field_name, start):
            self._fail(f"no {status} message of {expected.alert} ({expected.severity})")

    def _note_told(self, status: str, since: int, field_name: str, start: float) -> list[Expected]:
        """Note which messages have arrived, and return the alerts whose has not."""
        missing = []
        for expected, sighting in self._pairs:
            if sighting.fired_seconds is None or expected.untold or getattr(sighting, field_name) is not None:
                continue
            if self._has_arrived(expected, status, since):
                setattr(sighting, field_name, _round(monotonic() - start))
            else:
                missing.append(expected)
        return missing

    def _judge_company(self, started: float) -> None:
        awaited = {(expected.alert, expected.severity) for expected, _ in self._pairs}
        for fired in read_fired(self._scene.url("prometheus"), started, time()):
            if (fired.alert, fired.severity) in awaited:
                continue
            self.outcome.also_fired.append(fired)
            if fired.severity == "critical" and fired.alert not in self._fault.company:
                self._fail(f"{fired.alert} (critical) fires as well after {fired.seconds:g} s")

    def _is_firing(self, expected: Expected) -> bool:
        return bool(self._scene.prometheus.query(expected.selector))

    def _has_arrived(self, expected: Expected, status: str, since: int) -> bool:
        return self._scene.inbox.has_arrived("slack", status, expected.alert, since, expected.severity)

    def _look_until(self, look: Callable[[], bool], deadline: float) -> None:
        while not _look(look) and monotonic() < deadline:
            self._scene.interruption.pause(LOOK_SECONDS)

    def _check(self, sighting: Sighting, what: str, seconds: float | None, bound: int) -> None:
        if seconds is None or seconds > bound:
            seen = "never" if seconds is None else f"after {seconds:g} s"
            self._fail(f"{sighting.alert} ({sighting.severity}) must {what} within {bound} s: {seen}")

    def _fail(self, sentence: str) -> None:
        self._say(f"FAILED: {sentence}")
        self.outcome.failures.append(sentence)


def _look(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except httpx.HTTPError:
        # What is asked may be what is broken, or busy.
        return False


def _round(seconds: float) -> float:
    return round(seconds, 1)

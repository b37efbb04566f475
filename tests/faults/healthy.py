"""A demo in which nothing is broken: nothing may fire but Watchdog."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from tests.faults.history import read_fired
from tests.faults.outcome import Outcome, write_now
from tests.faults.scene import Scene, open_scene

NAME = "healthy"
HEALTHY_SECONDS = 1_200
"""How long it must last to say something."""


def run_healthy(minutes: float, say: Callable[[str], None]) -> Outcome:
    """Run a demo for so many minutes from its start on, and return what fired."""
    with open_scene() as scene:
        scene.wait_until_well()
        say("the demo is well")
        scene.interruption.pause(max(0.0, scene.began + minutes * 60 - time()))
        return judge_health(scene)


def judge_health(scene: Scene) -> Outcome:
    """Return what has fired in a demo since its start."""
    outcome = Outcome(NAME, write_now())
    outcome.also_fired = read_fired(scene.url("prometheus"), scene.began, time())
    outcome.failures = [
        f"{fired.alert} ({fired.severity}) fires after {fired.seconds:g} s although nothing is broken"
        for fired in outcome.also_fired
    ]
    outcome.end(time() - scene.began)
    return outcome

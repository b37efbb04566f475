"""The engine itself ended by SIGKILL, and started again."""

from __future__ import annotations

from tests.chaos.scene import Mend, Scene
from tests.smoke.engine.daemon import kill_engine, start_engine
from tests.smoke.stage import CheckError


def kill_and_start(scene: Scene) -> Mend:
    """Kill dockerd; mending starts it again. Raises CheckError where it is not ours to kill."""
    if scene.programs is None:
        raise CheckError("the engine that runs here is not ours: it is not killed")
    programs = scene.programs
    kill_engine(programs)
    return lambda: start_engine(programs)

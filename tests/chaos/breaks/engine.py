"""The engine itself ended by SIGKILL, and started again."""

from __future__ import annotations

from tests.chaos.scene import Mend, Scene
from tests.smoke.engine.daemon import kill_engine, start_engine
from tests.smoke.stage import CheckError


def kill_and_start(scene: Scene) -> Mend:
    """Kill dockerd; mending starts it and what it stopped. Raises CheckError where it is not ours to kill."""
    if scene.programs is None:
        raise CheckError("the engine that runs here is not ours: it is not killed")
    programs = scene.programs
    kill_engine(programs)

    def start() -> None:
        start_engine(programs)
        # It stopped all that still ran, as if a person had: `unless-stopped` then starts none of it.
        scene.docker.run("start", scene.client)
        scene.start_all()

    return start

"""A baseline that was accepted is looked for in the file that the container has."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from tests.chaos.canary import KINDS, Canary
from tests.chaos.scene import Scene
from tests.smoke.container import Container
from tests.smoke.docker import Docker
from tests.smoke.stage import Stage

BASELINE = next(replace(kind, patience_seconds=0.0) for kind in KINDS if kind.keeper == "benchmark")


@dataclass
class Engine:
    """Stands in for Docker: `accept` books the next moment in the file, `cat` shows it."""

    moments: list[float] = field(default_factory=lambda: [1000.0])

    def run(self, verb: str, container: str, program: str, *arguments: str, timeout_seconds: float) -> str:
        """Return what a command in the container says."""
        assert (verb, container) == ("exec", "b1")
        if program == "vectorwatch":
            assert arguments == ("benchmark", "accept")
            self.moments.append(self.moments[-1] + 60)
            return "accepted"
        document = {"benchmarks": [{"taken_at": 900.0}, {"taken_at": self.moments[-1]}]}
        return json.dumps(document)


def make_scene(engine: Engine, folder: Path) -> Scene:
    """Return a scene of which only the engine and the container of the benchmarks are asked."""

    @dataclass
    class Place:
        docker: Docker

    stage = Stage(Place(cast("Docker", engine)), [], [], [], None, None)  # type: ignore[arg-type]
    container = Container("b1", "benchmark", "running", 0, "", "", 0, 0, False, "", 1, (), ())
    return Scene(stage, folder, print, None, "", containers={"benchmark": container})


def test_a_baseline_that_a_newer_one_replaced_is_not_lost_and_one_that_is_gone_is(tmp_path: Path) -> None:
    engine = Engine()
    canary = Canary(make_scene(engine, tmp_path), [BASELINE])
    assert canary.write() == canary.write() == set()
    assert canary.find_lost(broken=0.0) == []
    engine.moments.pop()
    (loss,) = canary.find_lost(broken=0.0)
    assert (loss.kind, loss.keeper, loss.count) == (BASELINE.name, "benchmark", 1)

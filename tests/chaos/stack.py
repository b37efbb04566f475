"""Brings up the stack for trials, and takes it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.breaks.disk import unmount_all
from tests.chaos.client import ask, run_client
from tests.chaos.scene import Scene
from tests.smoke.command import CommandError
from tests.smoke.engine.programs import fetch_programs
from tests.smoke.engine.provide import provide_engine
from tests.smoke.images.build import Builder
from tests.smoke.images.supply import Registries, Supplier, keep_names, list_bases
from tests.smoke.limits import leave_out_refused
from tests.smoke.model import BACKUP_PROFILE
from tests.smoke.place import open_project, open_scratch
from tests.smoke.report import Report
from tests.smoke.run import Run
from tests.smoke.stage import Stage, wait
from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.prometheus_api import PrometheusApi

Say = Callable[[str], None]


@contextmanager
def open_scene(repository: Path, say: Say) -> Iterator[Scene]:
    """Bring up all that can run, with the demo, and yield it healthy. Raises VectorwatchError."""
    tools = repository / ".tools" / "docker"
    with provide_engine(tools, say) as docker, open_scratch("chaos") as scratch:
        project = open_project(repository, docker, scratch / "checkout", {}, "chaos")
        builder = Builder(docker, lambda: fetch_programs(tools, say), project.folder, scratch, say)
        services, report = project.services, Report()
        with keep_names(docker, {*list_bases(services.values()), *(one.image for one in services.values())}):
            Run(project, report, say).provide(Supplier(docker, builder, Registries(docker)))
            started = [
                name
                for name, service in services.items()
                if name not in report.not_run and service.scale and BACKUP_PROFILE not in service.profiles
            ]
            running = [name for name in started if not services[name].runs_once]
            leave_out_refused(project, say)
            programs = fetch_programs(tools, say) if docker.is_ours else None
            apis = PrometheusApi(project.url("prometheus")), InboxApi(project.url("inbox"))
            stage = Stage(project, running, started, list(report.not_run), *apis)
            scene = Scene(stage, scratch, say, programs, "")
            try:
                say(
                    f"chaos: healthy after {max(project.up(started).values()):.0f} s: {len(running)} services"
                )
                with run_client(project) as scene.client:
                    wait(lambda: _create(scene), "a collection in Qdrant")
                    yield scene
            finally:
                with suppress(CommandError):
                    project.down()
                    unmount_all(scene)
                    project.down(with_volumes=True)


def _create(scene: Scene) -> str:
    said = ask(scene.stage.project, scene.client, "create")
    return "" if said == "ok" else said

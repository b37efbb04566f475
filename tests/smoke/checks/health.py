"""Health checks tell the truth: green while all is well, red when a program no longer does anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from time import monotonic, sleep

from tests.smoke.command import attempt
from tests.smoke.stage import CheckError, Stage, wait

_WATCHED_SECONDS = 45.0
"""Longer than the interval of the health checks, so that each runs at least once while we look."""
_UNHEALTHY_SECONDS = 300.0
_SCRIPT_SECONDS = 120.0


def stay_healthy(stage: Stage) -> str:
    """See that every container stays healthy and none is restarted."""
    end = monotonic() + _WATCHED_SECONDS
    while monotonic() < end:
        _refuse_trouble(stage)
        sleep(2)
    _ask_script(stage)
    checked = [name for name in stage.running if stage.project.services[name].has_health_check]
    return f"{len(checked)} containers watched for {_WATCHED_SECONDS:g} s"


def _ask_script(stage: Stage) -> None:
    """See that scripts/health-check gets an answer, whatever it is: alerts of other checks may still fire."""
    done = attempt(
        ["scripts/health-check", "--json"],
        environment=stage.project.docker.environment,
        folder=stage.project.folder,
        timeout_seconds=_SCRIPT_SECONDS,
    )
    if done.returncode not in (0, 1, 2) or json.loads(done.stdout)["status"] == "unknown":
        raise CheckError(f"scripts/health-check cannot tell: {done.stdout}{done.stderr}", ["status"])


def _refuse_trouble(stage: Stage) -> None:
    containers = stage.project.containers()
    for name in stage.running:
        container = containers[name]
        if container.status != "running" or container.health not in ("", "healthy"):
            raise CheckError(
                f"{name} is {container.status} {container.health}: {container.health_log}", [name]
            )
        # One may be late on a busy machine; what is wrong fails again.
        if container.failing_streak > 1 or container.restarts or container.out_of_memory:
            raise CheckError(
                f"{name}: {container.failing_streak} failed health checks, {container.restarts} restarts,"
                f" out of memory: {container.out_of_memory}; {container.health_log}",
                [name],
            )


def fail_when_stopped(stage: Stage) -> str:
    """Stop the program of every container where it stands, and see that all become unhealthy, and recover."""
    unchecked = [name for name in stage.running if not stage.project.services[name].has_health_check]
    if unchecked:
        raise CheckError(f"without a health check: {', '.join(unchecked)}")
    _signal(stage, "STOP")
    try:
        red = wait(
            lambda: ", ".join(_name_still(stage, "healthy")),
            "still healthy with their programs stopped",
            limit_seconds=_UNHEALTHY_SECONDS,
        )
    finally:
        _signal(stage, "CONT")
    green = wait(
        lambda: ", ".join(_name_still(stage, "unhealthy")), "unhealthy although they run again", stage.running
    )
    return f"all {len(stage.running)} unhealthy after {red:.0f} s, healthy {green:.0f} s after they went on"


def _name_still(stage: Stage, health: str) -> Sequence[str]:
    containers = stage.project.containers()
    return [name for name in stage.running if containers[name].health == health]


def _signal(stage: Stage, name: str) -> None:
    """Signal all processes of all containers.

    Where an init is the first of them, to stop that one would stop nothing else.
    """
    containers = stage.project.containers()
    ids = [containers[service].id for service in stage.running]
    for container in ids:
        # As the container's own user; images without a shell have no init either.
        stage.project.docker.attempt("exec", container, "sh", "-c", f"kill -{name} -1")
    stage.project.docker.run("kill", f"--signal={name}", *ids)

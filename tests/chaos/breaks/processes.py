"""Main processes ended from the host, and containers killed or paused by Docker."""

from __future__ import annotations

import os
import signal

from tests.chaos.scene import Mend, Scene


def crash(scene: Scene, service: str) -> Mend:
    """End the main process as a bug would; Docker's restart policy is what mends it."""
    os.kill(scene.containers[service].process_id, signal.SIGKILL)
    return _nothing


def kill(scene: Scene, service: str) -> Mend:
    """Kill by `docker kill`, after which no restart policy acts."""
    name = scene.containers[service].id
    scene.docker.run("kill", name)
    return lambda: _do(scene, "start", name)


def pause(scene: Scene, service: str) -> Mend:
    """Freeze all processes of a container."""
    name = scene.containers[service].id
    scene.docker.run("pause", name)
    return lambda: _do(scene, "unpause", name)


def crash_all(scene: Scene) -> Mend:
    """End the main processes of all containers at once."""
    for container in scene.containers.values():
        os.kill(container.process_id, signal.SIGKILL)
    return _nothing


def kill_all(scene: Scene) -> Mend:
    """Kill all containers by one command; `docker compose up -d` brings them back."""
    scene.docker.run("kill", *(container.id for container in scene.containers.values()))
    return lambda: scene.start_all()


def _do(scene: Scene, verb: str, name: str) -> None:
    scene.docker.run(verb, name)


def _nothing() -> None:
    return None

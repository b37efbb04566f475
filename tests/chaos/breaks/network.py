"""A container without its networks."""

from __future__ import annotations

from tests.chaos.scene import Mend, Scene


def cut(scene: Scene, service: str) -> Mend:
    """Disconnect a container from all networks; mending connects it again under its old names."""
    container = scene.containers[service].id
    (body,) = scene.docker.inspect([container])
    networks = {name: one.get("Aliases") or [] for name, one in body["NetworkSettings"]["Networks"].items()}
    for name in networks:
        scene.docker.run("network", "disconnect", name, container)

    def connect() -> None:
        for name, aliases in networks.items():
            options = [f"--alias={alias}" for alias in aliases]
            scene.docker.run("network", "connect", *options, name, container)

    return connect

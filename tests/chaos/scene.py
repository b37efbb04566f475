"""What every break and check gets: the stack that runs, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.smoke.container import Container
from tests.smoke.docker import Docker
from tests.smoke.engine.programs import Programs
from tests.smoke.stage import Stage

Mend = Callable[[], None]
"""Undoes a break; does nothing where nobody must."""


@dataclass
class Scene:
    """A project with all of its services healthy, in an engine."""

    stage: Stage
    scratch: Path
    say: Callable[[str], None]
    programs: Programs | None
    """Those of the engine, where it is ours to kill."""
    client: str
    """Name of the container that speaks to unpublished servers, and prints lines."""
    mounts: dict[str, Path] = field(default_factory=dict)
    """By volume: where a small file system lies over it."""
    containers: Mapping[str, Container] = field(default_factory=dict)
    """Of the long-running services, as of the last `look`."""

    @property
    def docker(self) -> Docker:
        """Return the way to the engine."""
        return self.stage.project.docker

    def look(self) -> None:
        """See anew what the containers are."""
        found = self.stage.project.containers()
        self.containers = {name: found[name] for name in self.stage.running}

    def start_all(self) -> None:
        """Start whatever is not running, as a person does: `docker compose up -d`."""
        # The file's own conditions hold: who waits for another's health waits here, too.
        self.stage.project.compose(
            "--profile", "*", "up", "--detach", "--no-build", *self.stage.started, timeout_seconds=600
        )

"""Where a project is brought up: a copy of the checkout in a scratch folder, on free ports."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.smoke.docker import Docker
from tests.smoke.project import Project, copy_checkout, write_environment

_TRACED = {"TRACES_ENDPOINT": "http://jaeger:4318"}
"""So that our own programs must reach Jaeger."""


def open_project(
    repository: Path, docker: Docker, folder: Path, settings: Mapping[str, str], kind: str = "smoke"
) -> Project:
    """Return a project of a copy of the checkout in `folder`, which is made. Raises CommandError."""
    folder.mkdir()
    name = f"vectorwatch-{kind}-{os.getpid()}"
    copy_checkout(repository, folder)
    root = docker.run("info", "--format", "{{.DockerRootDir}}").strip()
    place = {"DOCKER_ROOT": root, "DOCKER_SOCKET": docker.socket}
    ports = write_environment(folder, name, {**place, **_TRACED, **settings})
    project = Project(docker, folder, name, ports)
    project.read()
    return project


@contextmanager
def open_scratch(kind: str = "smoke") -> Iterator[Path]:
    """Yield a folder for the time of a run."""
    with tempfile.TemporaryDirectory(prefix=f"vectorwatch-{kind}-", ignore_cleanup_errors=True) as folder:
        # Services run as users of their own and pass through it.
        Path(folder).chmod(0o755)
        yield Path(folder)

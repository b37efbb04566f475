"""The `docker` program with the environment that leads it to the engine of this run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.smoke.command import attempt, run


@dataclass(frozen=True)
class Docker:
    """Commands to one engine; `environment` holds DOCKER_HOST and where the plug-ins are.

    `is_ours`: the engine was started for this run and holds nothing of anybody else.
    """

    environment: Mapping[str, str]
    is_ours: bool = False

    @property
    def socket(self) -> str:
        """The path of the engine's socket."""
        host = self.environment.get("DOCKER_HOST", "")
        return host.removeprefix("unix://") if host.startswith("unix://") else "/var/run/docker.sock"

    def run(self, *arguments: str, folder: Path | None = None, timeout_seconds: float = 120) -> str:
        """Return what `docker ARGUMENTS` says. Raises CommandError."""
        return run(
            ["docker", *arguments],
            environment=self.environment,
            folder=folder,
            timeout_seconds=timeout_seconds,
        )

    def attempt(
        self, *arguments: str, folder: Path | None = None, timeout_seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker ARGUMENTS` whatever it ends with. Raises CommandError when it takes too long."""
        return attempt(
            ["docker", *arguments],
            environment=self.environment,
            folder=folder,
            timeout_seconds=timeout_seconds,
        )

    def inspect(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return all that the engine knows of containers. Raises CommandError for an unknown one."""
        if not names:
            return []
        found: list[dict[str, Any]] = json.loads(self.run("container", "inspect", *names))
        return found

    def find_image(self, name: str) -> dict[str, Any] | None:
        """Return what the engine knows of an image, None when it has none of this name."""
        done = self.attempt("image", "inspect", name)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

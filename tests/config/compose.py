"""docker-compose.yml through Docker Compose itself, which needs no engine for that."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

Service = Mapping[str, Any]


class Render(Protocol):
    """Return the project for these profiles and variables (as in `.env`), or fail with Compose's words."""

    def __call__(
        self, profiles: Sequence[str] = ..., override: Path | None = ..., /, **variables: str
    ) -> Any: ...


def make_render(program: Path, repository: Path) -> Render:
    def render(profiles: Sequence[str] = ("*",), override: Path | None = None, /, **variables: str) -> Any:
        chosen = [argument for profile in profiles for argument in ("--profile", profile)]
        # `/dev/null` for .env: the developer's own must not decide, nor the override file.
        files = ["--env-file", "/dev/null", "--file", str(repository / "docker-compose.yml")]
        files += ["--file", str(override)] if override else []
        done = subprocess.run(
            [str(program), *files, *chosen, "config", "--format", "json"],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", "Compose has something to remark"
        return json.loads(done.stdout)

    return render

"""The compose file as Docker Compose renders it, as far as the smoke test asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GPU_PROFILE = "gpu"
BACKUP_PROFILE = "backup"
"""Its services are run by scripts/backup and scripts/restore and never brought up."""


@dataclass(frozen=True)
class Build:
    """How an image of ours is built."""

    context: Path
    target: str


@dataclass(frozen=True)
class Service:
    """A service of the compose file."""

    name: str
    image: str
    build: Build | None
    profiles: Sequence[str]
    user: str
    runs_once: bool
    has_health_check: bool
    scale: int
    """How many containers it has: 0 for the log half when it is switched off."""
    limits: Mapping[str, str]
    """`ulimits` as `docker run` takes them: `soft:hard` by name."""
    volumes: Mapping[str, str]
    """Named volumes, by where they are mounted."""


def read_services(rendered: Mapping[str, Any]) -> list[Service]:
    """Return the services of `docker compose config --format json`."""
    return [_read_service(name, body) for name, body in sorted(rendered["services"].items())]


def _read_service(name: str, body: Mapping[str, Any]) -> Service:
    build = body.get("build")
    return Service(
        name=name,
        image=body["image"],
        build=Build(Path(build["context"]), build.get("target", "")) if build else None,
        profiles=body.get("profiles", ()),
        user=str(body.get("user", "")),
        runs_once=body.get("restart") == "no",
        has_health_check="healthcheck" in body,
        scale=int(body.get("scale", 1)),
        limits={
            name: f"{value['soft']}:{value['hard']}" if isinstance(value, dict) else str(value)
            for name, value in (body.get("ulimits") or {}).items()
        },
        volumes={
            volume["target"]: volume["source"]
            for volume in body.get("volumes", ())
            if volume["type"] == "volume"
        },
    )

"""A container as the engine describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True)
class Published:
    """A port that the host listens on for a container."""

    address: str
    port: int


@dataclass(frozen=True)
class Container:
    """What `docker inspect` says, as far as the smoke test asks."""

    id: str
    service: str
    status: str
    exit_code: int
    health: str
    """`starting`, `healthy`, `unhealthy`, or empty without a health check."""
    health_log: str
    """What the last health check said."""
    failing_streak: int
    restarts: int
    out_of_memory: bool
    started_at: str
    process_id: int
    published: tuple[Published, ...]
    environment: tuple[str, ...]


def read_container(body: Mapping[str, Any]) -> Container:
    """Return a container of the answer to `docker container inspect`."""
    state = body["State"]
    health = state.get("Health") or {}
    log = health.get("Log") or [{}]
    return Container(
        id=body["Id"],
        service=body["Config"]["Labels"].get(_SERVICE, ""),
        status=state["Status"],
        exit_code=int(state["ExitCode"]),
        health=health.get("Status", "").replace("none", ""),
        health_log=str(log[-1].get("Output", "")).strip(),
        failing_streak=int(health.get("FailingStreak", 0)),
        restarts=int(body["RestartCount"]),
        out_of_memory=bool(state["OOMKilled"]),
        started_at=state["StartedAt"],
        process_id=int(state["Pid"]),
        published=tuple(
            Published(binding["HostIp"], int(binding["HostPort"]))
            for bindings in (body["NetworkSettings"].get("Ports") or {}).values()
            for binding in bindings or ()
        ),
        environment=tuple(body["Config"].get("Env") or ()),
    )


def explain_unready(container: Container, runs_once: bool) -> str:
    """Return why a container is not as it should be after the start, or an empty text."""
    if runs_once:
        ended_well = container.status == "exited" and container.exit_code == 0
        return "" if ended_well else f"{container.status}, exit code {container.exit_code}"
    if container.status != "running":
        return f"{container.status}, exit code {container.exit_code}"
    return "" if container.health in ("", "healthy") else f"{container.health} {container.health_log}".strip()

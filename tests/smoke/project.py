"""A copy of the checkout that is brought up as a project of its own, as a user would after a fresh clone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.smoke.command import CommandError, run
from tests.smoke.container import Container, explain_unready, read_container
from tests.smoke.docker import Docker
from tests.smoke.model import Service, read_services
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.errors import VectorwatchError

HEALTHY_SECONDS = 300.0
_UP_SECONDS = 600.0
_LOOK_SECONDS = 0.5
_NO_RIGHTS = ("--rm", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges")
OVERRIDE = "docker-compose.override.yml"
OVERLAY = ("docker-compose.yml", "caddy/docker-compose.yml")
"""The files of the stack with Caddy before its pages."""
PORTS = {
    "prometheus": "PROMETHEUS_PORT",
    "alertmanager": "ALERTMANAGER_PORT",
    "inbox": "INBOX_PORT",
    "status": "STATUS_PORT",
    "grafana": "GRAFANA_PORT",
    "jaeger": "JAEGER_PORT",
    "jaeger-otlp-grpc": "OTLP_GRPC_PORT",
    "jaeger-otlp": "OTLP_HTTP_PORT",
    "kibana": "KIBANA_PORT",
    "logstash": "LOGSTASH_HTTP_PORT",
    "logstash-beats": "LOGSTASH_BEATS_PORT",
    "logstash-tcp": "LOGSTASH_TCP_PORT",
}
"""By service, and by its further ports: the value of `.env` that names the port on the host."""


class NotReadyError(VectorwatchError):
    """Services that did not become ready; `services` are those whose logs may tell why."""

    def __init__(self, message: str, services: Sequence[str]) -> None:
        self.services = services
        super().__init__(message)


class Project:
    """One project of the unchanged compose file in `folder`."""

    def __init__(self, docker: Docker, folder: Path, name: str, ports: Mapping[str, int]) -> None:
        self.docker = docker
        self.folder = folder
        self.name = name
        self._ports = ports
        self.services: dict[str, Service] = {}
        """All services of the file, by name; filled by `read`, as the names of volumes."""
        self.volumes: dict[str, str] = {}

    def read(self) -> None:
        """Read the compose file. Raises CommandError with Compose's own words."""
        rendered = json.loads(self.compose("--profile", "*", "config", "--format", "json"))
        self.services = {service.name: service for service in read_services(rendered)}
        self.volumes = {name: body["name"] for name, body in rendered["volumes"].items()}

    def read_overlay(self) -> Sequence[Service]:
        """Return the services without a profile that the overlay with Caddy adds. Raises CommandError."""
        files = [word for name in OVERLAY for word in ("--file", name)]
        rendered = json.loads(self.compose(*files, "config", "--format", "json"))
        return [service for service in read_services(rendered) if service.name not in self.services]

    def compose(self, *arguments: str, timeout_seconds: float = 120) -> str:
        """Return what `docker compose ARGUMENTS` says. Raises CommandError."""
        return self.docker.run(
            "compose", "--progress=quiet", *arguments, folder=self.folder, timeout_seconds=timeout_seconds
        )

    def url(self, service: str) -> str:
        """Return where a service is published."""
        return f"http://{HOST}:{self.port(service)}"

    def port(self, service: str) -> int:
        """Return the port of the host on which a service is published."""
        return self._ports[service]

    def up(self, services: Iterable[str]) -> Mapping[str, float]:
        """Bring services up and wait until all are healthy; return after how many seconds each was.

        Raises NotReadyError, CommandError.
        """
        names = list(services)
        start = monotonic()
        try:
            self.compose(
                "--profile", "*", "up", "--detach", "--no-build", *names, timeout_seconds=_UP_SECONDS
            )
        except CommandError as error:
            raise NotReadyError(str(error), names) from error
        return self.wait_healthy(names, start)

    def wait_healthy(self, names: Sequence[str], start: float) -> Mapping[str, float]:
        """Wait until all of `names` are as they should be; return the seconds from `start` for each."""
        ready: dict[str, float] = {}
        while True:
            missing = self.explain_missing(names)
            ready |= {
                name: monotonic() - start for name in names if name not in missing and name not in ready
            }
            if not missing:
                return ready
            if monotonic() - start > HEALTHY_SECONDS:
                tales = "; ".join(f"{name}: {tale}" for name, tale in missing.items())
                raise NotReadyError(f"not healthy within {HEALTHY_SECONDS:g} s: {tales}", list(missing))
            sleep(_LOOK_SECONDS)

    def explain_missing(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return by name of service what is wrong with those of `names` that are not as they should be."""
        containers = self.containers()
        tales = {
            name: explain_unready(containers[name], self.services[name].runs_once)
            if name in containers
            else "has no container"
            for name in names
        }
        return {name: tale for name, tale in tales.items() if tale}

    def containers(self) -> Mapping[str, Container]:
        """Return the containers of the project by service."""
        ids = self.compose("--profile", "*", "ps", "--all", "--quiet").split()
        found = map(read_container, self.docker.inspect(ids))
        return {container.service: container for container in found}

    def run_on_volume(
        self, volume: str, user: str, script: str, *more: str, arguments: Sequence[str] = ()
    ) -> str:
        """Return what a Python script says that sees a volume at /volume and has no other rights."""
        options = [
            *_NO_RIGHTS,
            *more,
            f"--user={user}",
            f"--volume={volume}:/volume:ro",
            "--entrypoint=python",
        ]
        return self.docker.run("run", *options, self.services["setup"].image, "-c", script, *arguments)

    def logs(self, service: str, lines: int = 30) -> str:
        """Return the end of a service's log."""
        done = self.docker.attempt(
            "compose",
            "--profile",
            "*",
            "logs",
            "--no-color",
            "--tail",
            str(lines),
            service,
            folder=self.folder,
        )
        return done.stdout + done.stderr

    def down(self, *, with_volumes: bool = False) -> None:
        """Remove the containers, and the volumes if asked."""
        more = ["--volumes"] if with_volumes else []
        self.compose("--profile", "*", "down", "--remove-orphans", *more, timeout_seconds=_UP_SECONDS)


def copy_checkout(repository: Path, folder: Path) -> None:
    """Copy what git would have in a fresh clone, with changes that are not committed yet."""
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], folder=repository)
    for name in filter(None, listed.split("\0")):
        source, destination = repository / name, folder / name
        if source.is_file():
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, destination)


def write_environment(folder: Path, name: str, more: Mapping[str, str]) -> Mapping[str, int]:
    """Write `.env` with a project name and free ports; return the ports by service."""
    ports = dict(zip(PORTS, find_free_ports(len(PORTS)), strict=True))
    values: dict[str, Any] = {
        "COMPOSE_PROJECT_NAME": name,
        **{PORTS[who]: port for who, port in ports.items()},
        **more,
    }
    (folder / ".env").write_text(
        "".join(f"{key}={value}\n" for key, value in values.items()), encoding="utf-8"
    )
    return ports

"""The smoke test from the images to the last check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

import httpx

from tests.smoke.checks import (
    alert,
    backup,
    caddy,
    dashboards,
    docker_socket,
    health,
    logs,
    ports,
    processes,
    rotation,
    secret_files,
    survival,
    targets,
    traces,
    web_login,
)
from tests.smoke.command import CommandError
from tests.smoke.images.supply import Supplier
from tests.smoke.limits import leave_out_refused
from tests.smoke.measure import measure_images, measure_use
from tests.smoke.model import BACKUP_PROFILE, GPU_PROFILE, Service
from tests.smoke.project import Project
from tests.smoke.report import Report, Result, write_image, write_result
from tests.smoke.stage import Stage
from vectorwatch.demo.debian import Say
from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.prometheus_api import PrometheusApi
from vectorwatch.errors import VectorwatchError

CHECKS: Mapping[str, Callable[[Stage], str]] = {
    "every target is up": targets.all_up,
    "containers stay healthy": health.stay_healthy,
    "ports on 127.0.0.1 only": ports.only_loopback,
    "processes without rights": processes.without_rights,
    "the engine's socket is closed": docker_socket.answers_little,
    "secrets are random": secret_files.are_random,
    "secrets are private": secret_files.are_private,
    "dashboards are handed on": dashboards.are_handed_on,
    "a new target is scraped": targets.new_one_found,
    "an alert and its end arrive": alert.reaches_inbox,
    "traces arrive": traces.arrive,  # after the alert: one of the spans is the inbox's, of what it receives
    "Elastic's services are set up": logs.are_set_up,  # after the secrets, which start all of it again
    "log lines arrive": logs.arrive,
    "no line is lost or doubled": logs.survive_restarts,
    "a password is asked for": web_login.is_asked_for,
    "Caddy stands before the pages": caddy.stands_before_the_pages,
    "secrets are rotated": rotation.loses_nothing,
    "logs can be left out": logs.are_left_out,
    "data survives down and up": survival.of_data,
    "a backup is restored": backup.is_restored,
    "health checks can fail": health.fail_when_stopped,
    "every target is up again": targets.all_up,
}


class Run:
    """One run in a project of its own; fills `report`."""

    def __init__(self, project: Project, report: Report, say: Say) -> None:
        self._project = project
        self._report = report
        self._say = say

    def provide(self, supplier: Supplier, more: Sequence[Service] = ()) -> None:
        """Provide the images, of `more` services too, and note what cannot run. Raises VectorwatchError."""
        self._say("smoke: images")
        for provided in supplier.supply([*self._wanted().values(), *more]):
            self._report.images.append(provided)
            self._say(write_image(provided))
        found = {provided.image: provided for provided in self._report.images}
        for name, service in self._project.services.items():
            if not service.scale:
                self._report.not_run[name] = "is switched off in .env"
            elif BACKUP_PROFILE in service.profiles:
                continue
            elif name not in self._wanted():
                self._report.not_run[name] = "needs a GPU and NVIDIA's container toolkit"
            elif not found[service.image].runs:
                self._report.not_run[name] = found[service.image].what
        for name, reason in self._report.not_run.items():
            self._say(f"  not run: {name}: {reason}")

    def start(self) -> Stage:
        """Bring up the monitoring, then the demo, and measure both. Raises VectorwatchError."""
        services = [
            service for service in self._wanted().values() if service.name not in self._report.not_run
        ]
        everything = [service.name for service in services]
        without_demo = [service.name for service in services if not service.profiles]
        running = [service.name for service in services if not service.runs_once]
        leave_out_refused(self._project, self._say)
        self._bring_up("up", without_demo)
        self._measure("idle", [name for name in running if name in without_demo])
        self._bring_up("up with demo", everything)
        self._measure("demo", running)
        self._report.image_bytes = dict(
            measure_images(self._project, {service.image for service in services})
        )
        prometheus = PrometheusApi(self._project.url("prometheus"))
        inbox = InboxApi(self._project.url("inbox"))
        return Stage(self._project, running, everything, list(self._report.not_run), prometheus, inbox)

    def check(self, stage: Stage, names: Sequence[str]) -> None:
        """Make the checks, also after one has failed; show the logs of what failed."""
        self._say("smoke: checks")
        for name in names:
            start = monotonic()
            try:
                self._note(Result(name, True, CHECKS[name](stage), monotonic() - start))
            except (VectorwatchError, httpx.HTTPError, OSError) as error:
                self._note(Result(name, False, str(error), monotonic() - start))
                self.show_logs(getattr(error, "services", ()))

    def show_logs(self, services: Sequence[str]) -> None:
        """Show the end of what services said."""
        for name in services:
            with suppress(CommandError):
                if log := self._project.logs(name).strip():
                    self._say(f"── the end of the log of {name}\n{log}")

    def _wanted(self) -> Mapping[str, Service]:
        """Return the services that are switched on and whose hardware every machine has."""
        return {
            name: service
            for name, service in self._project.services.items()
            if service.scale and not {GPU_PROFILE, BACKUP_PROFILE} & set(service.profiles)
        }

    def _bring_up(self, step: str, services: list[str]) -> None:
        check, start = f"all healthy: {step}", monotonic()
        try:
            seconds = self._project.up(services)
        except VectorwatchError as error:
            self._note(Result(check, False, str(error), monotonic() - start))
            raise
        self._report.healthy_seconds[step] = seconds
        self._note(Result(check, True, f"{len(services)} services", max(seconds.values())))

    def _measure(self, load: str, services: list[str]) -> None:
        self._report.use[load] = measure_use(self._project, services)

    def _note(self, result: Result) -> None:
        self._report.results.append(result)
        self._say(write_result(result))

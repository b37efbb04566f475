"""What every check gets: the project that runs, and how to wait for something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

import httpx

from tests.smoke.project import Project
from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.prometheus_api import PrometheusApi
from vectorwatch.errors import VectorwatchError

_LOOK_SECONDS = 0.5

Question = Callable[[], str]
"""Returns what is still missing, or an empty text."""


class CheckError(VectorwatchError):
    """Something is not as it should be; `services` are those whose logs may tell why."""

    def __init__(self, message: str, services: Sequence[str] = ()) -> None:
        self.services = services
        super().__init__(message)


@dataclass(frozen=True)
class Stage:
    """A project with all of its services healthy."""

    project: Project
    running: Sequence[str]
    """Services that run on; those that end by themselves are not among them."""
    started: Sequence[str]
    """All services that were brought up."""
    absent: Sequence[str]
    """Services that are not run because there is no image for them."""
    prometheus: PrometheusApi
    inbox: InboxApi

    def get(self, service: str, path: str, **parameters: str) -> httpx.Response:
        """Ask a published service. Raises httpx.HTTPError."""
        url = self.project.url(service) + path
        return httpx.get(url, params=parameters, timeout=10, trust_env=False).raise_for_status()


@contextmanager
def changed_settings(stage: Stage, *lines: str) -> Iterator[None]:
    """Add lines to `.env` as a user does; after the block, take them out and bring all up as before."""
    project, environment = stage.project, stage.project.folder / ".env"
    before = environment.read_text(encoding="utf-8")
    environment.write_text(before + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    try:
        project.read()
        yield
    finally:
        environment.write_text(before, encoding="utf-8")
        project.read()
        project.up(stage.started)


def wait(question: Question, what: str, services: Sequence[str] = (), limit_seconds: float = 120) -> float:
    """Wait until nothing is missing; return the seconds. Raises CheckError."""
    start = monotonic()
    while missing := _ask(question):
        if monotonic() - start > limit_seconds:
            raise CheckError(f"{what}: not within {limit_seconds:g} s: {missing}", services)
        sleep(_LOOK_SECONDS)
    return monotonic() - start


def _ask(question: Question) -> str:
    try:
        return question()
    except (httpx.HTTPError, OSError) as error:
        return f"no answer ({type(error).__name__})"

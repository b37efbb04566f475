"""The demo that a fault is injected into, and the ways to break it and to ask it."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

import httpx

from tests.faults.page import Page
from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.interruption import Interruption, catch_signals
from vectorwatch.demo.ports import HOST
from vectorwatch.demo.prometheus_api import PrometheusApi
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.services import describe_watched, describe_watchers
from vectorwatch.demo.stack import Stack, gather_needs, run_stack
from vectorwatch.errors import VectorwatchError

LOOK_SECONDS = 1.0
_READY_SECONDS = 300.0

Question = Callable[[], str]
"""Returns what is still missing, or an empty text."""


class SceneError(VectorwatchError):
    """The demo is not as a fault needs it."""


@dataclass(frozen=True)
class Scene:
    """A running demo."""

    stack: Stack
    interruption: Interruption
    prometheus: PrometheusApi
    inbox: InboxApi
    pages: list[Page] = field(default_factory=list)
    """What this process serves for the fault."""
    began: float = field(default_factory=time)
    """When it was there, in seconds of the clock."""

    @property
    def configuration(self) -> Path:
        """Return the folder of the rendered configuration."""
        return self.stack.site.configuration.prometheus.parent.parent

    def url(self, service: str, path: str = "") -> str:
        """Return an address of a service."""
        return self.stack.site.url(service, path)

    def process_id(self, service: str) -> int:
        """Return the process id of a service."""
        return self.stack.supervisor.process_id(service)

    def kill(self, service: str) -> None:
        """End a service as a crash would."""
        self.stack.supervisor.kill(service)

    def start(self, service: str) -> None:
        """Start a service that was killed, and return when it is ready."""
        site = self.stack.site
        described = {one.name: one for one in [*describe_watched(site), *describe_watchers(site)]}
        self.stack.supervisor.start([described[service]], announce=lambda _: None)

    def signal(self, service: str, number: signal.Signals) -> None:
        """Send a signal to a service and its children."""
        os.killpg(self.process_id(service), number)

    def ask(self, method: str, url: str, body: Any = None) -> Any:
        """Return the JSON that a request is answered with. Raises httpx.HTTPError."""
        answer = httpx.request(method, url, json=body, timeout=60, trust_env=False).raise_for_status()
        return answer.json() if answer.content else None

    def reload_prometheus(self) -> None:
        """Let Prometheus read its files now."""
        self.ask("POST", self.url("prometheus", "/-/reload"))

    def wait(self, question: Question, what: str, limit_seconds: float = _READY_SECONDS) -> float:
        """Wait until nothing is missing; return the seconds. Raises SceneError, InterruptionError."""
        start = monotonic()
        while missing := _answer(question):
            if monotonic() - start > limit_seconds:
                raise SceneError(f"{what}: not within {limit_seconds:g} s: {missing}")
            self.interruption.pause(LOOK_SECONDS)
        return monotonic() - start

    def wait_for(self, expression: str, what: str) -> float:
        """Wait until an expression has a sample."""
        return self.wait(lambda: "" if self.prometheus.query(expression) else expression, what)

    def wait_until_well(self) -> None:
        """Wait until all targets are up, everything flows and a message has arrived."""
        self.wait(self._name_targets_down, "all targets are up")
        for expression in (
            'rate(rest_responses_total{job="qdrant"}[1m]) > 0',
            "rate(dragonfly_cache_hits_total[1m]) > 0",
            "rate(vital_workflow_requests_success_total[1m]) > 0",
            "hnsw_recall_ratio > 0",
            'qdrant_alias_info{alias="articles"}',
        ):
            self.wait_for(expression, "everything flows")
        self.wait(
            lambda: "" if self.inbox.has_arrived("webhook", "firing", "Watchdog", 0) else "no message yet",
            "Watchdog arrives",
        )

    def _name_targets_down(self) -> str:
        targets = self.prometheus.list_targets()
        return ", ".join(target.job for target in targets if target.health != "up") or (
            "" if targets else "no target at all"
        )


def _answer(question: Question) -> str:
    try:
        return question()
    except (httpx.HTTPError, OSError) as error:
        return f"no answer ({type(error).__name__})"


@contextmanager
def open_scene() -> Iterator[Scene]:
    """Run a demo on free ports for as long as the block lasts.

    Raises VectorwatchError when it does not start, InterruptionError.
    """
    with catch_signals() as interruption, ExitStack() as open_things:
        with _wait_for_turn(interruption):
            stack = open_things.enter_context(run_stack(gather_needs("free"), interruption))
        prometheus, inbox = PrometheusApi(stack.site.url("prometheus")), InboxApi(stack.site.url("inbox"))
        open_things.callback(prometheus.close)
        open_things.callback(inbox.close)
        yield Scene(stack, interruption, prometheus, inbox)


@contextmanager
def _wait_for_turn(interruption: Interruption) -> Iterator[None]:
    """Start one demo at a time: a port that was found free is taken seconds later only."""
    folder = find_repository() / ".demo"
    folder.mkdir(exist_ok=True)
    with (folder / "start.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                interruption.pause(LOOK_SECONDS)
        yield


def write_address(port: int) -> str:
    """Return `host:port` of something that this process serves."""
    return f"{HOST}:{port}"

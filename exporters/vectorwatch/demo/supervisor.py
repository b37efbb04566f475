"""Starts child processes, waits until they are ready, and leaves none behind.

Each service leads a process group apart from the terminal: a Ctrl-C there reaches only us, and a signal to
the group reaches the service's children too. Three things end the services: leaving the `with` block; the
guard, when we are killed; and the kernel's parent-death signal, when the guard is killed with us.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from vectorwatch.demo import guard
from vectorwatch.demo.interruption import Interruption
from vectorwatch.demo.readiness import Readiness
from vectorwatch.errors import VectorwatchError

READY_DEADLINE_SECONDS = 90.0
STOP_GRACE_SECONDS = 6.0
_POLL_SECONDS = 0.1
_SHOWN_LOG_LINES = 15
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServiceError(VectorwatchError):
    """A service ended or did not become ready; the message holds the end of its log."""


@dataclass(frozen=True)
class Service:
    """What to start and how to know that it is ready."""

    name: str
    command: Sequence[str]
    ready: Readiness
    url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    """Where it starts; None: where we did."""


@dataclass
class Running:
    """A started service; `ready_seconds` is None until it is ready."""

    service: Service
    process: subprocess.Popen[bytes]
    started: float
    ready_seconds: float | None = None


class Supervisor:
    """Runs services with their logs in `<folder>/<name>.log`; use it in a `with` block, from one thread.

    One thread, because the kernel's parent-death signal comes when the *thread* that started a child ends.
    """

    def __init__(
        self, folder: Path, interruption: Interruption, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._folder = folder
        self._interruption = interruption
        self._environment = environment
        self._running: dict[str, Running] = {}
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        if _LIBC is not None:
            # Children of services become ours when their parent ends, so that we can wait for their end.
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()

    def start(
        self,
        services: Sequence[Service],
        announce: Callable[[Running], None],
        deadline_seconds: float = READY_DEADLINE_SECONDS,
    ) -> None:
        """Start all services at once and return when all are ready, announcing each as it becomes so.

        Raises ServiceError when one cannot start, ends, or is not ready in time; InterruptionError.
        """
        waiting = [self._spawn(service) for service in services]
        deadline = monotonic() + deadline_seconds
        while waiting:
            for running in list(waiting):
                if self._became_ready(running):
                    announce(running)
                    waiting.remove(running)
                elif monotonic() > deadline:
                    raise ServiceError(self._explain(running, f"is not ready after {deadline_seconds:g} s"))
            self._interruption.pause(_POLL_SECONDS if waiting else 0)

    def kill(self, name: str) -> None:
        """End a service by SIGKILL, as a crash would."""
        running = self._running[name]
        self._clear([running])

    def process_id(self, name: str) -> int:
        """Return the process id of a running service."""
        return self._running[name].process.pid

    def collect_ended(self) -> list[str]:
        """Forget the services that ended by themselves; return a report for each."""
        ended = [running for running in self._running.values() if running.process.poll() is not None]
        reports = [self._explain(running, _name_exit(running.process.returncode)) for running in ended]
        self._clear(ended)
        return reports

    def stop_all(self) -> None:
        """Ask every service to end, last started first, and kill what is left after STOP_GRACE_SECONDS."""
        asked = list(reversed(self._running.values()))
        for running in asked:
            guard.ask_to_end(running.process.pid)
        deadline = monotonic() + STOP_GRACE_SECONDS
        for running in asked:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(max(0.0, deadline - monotonic()))
        self._clear(asked)

    def read_log_end(self, name: str, lines: int = _SHOWN_LOG_LINES) -> str:
        """Return the last lines of a service's log."""
        log = self._log_of(name)
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _spawn(self, service: Service) -> Running:
        parent = os.getpid()
        with self._log_of(service.name).open("ab") as log:
            try:
                process = subprocess.Popen(
                    service.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=service.folder,
                    env={**self._environment, **service.environment},
                    start_new_session=True,
                    preexec_fn=lambda: _end_with_parent(parent),
                )
            except OSError as error:
                raise ServiceError(
                    f"demo: {service.name} cannot start: {service.command[0]}: {error.strerror}"
                ) from error
        running = Running(service, process, monotonic())
        self._running[service.name] = running
        self._tell_guard("+", process.pid)
        return running

    def _became_ready(self, running: Running) -> bool:
        if running.process.poll() is not None:
            raise ServiceError(self._explain(running, _name_exit(running.process.returncode)))
        # Our own port check came first, so whoever answers on the service's port is the service.
        if running.service.ready():
            running.ready_seconds = monotonic() - running.started
        return running.ready_seconds is not None

    def _explain(self, running: Running, what: str) -> str:
        name = running.service.name
        end = self.read_log_end(name) or "(it logged nothing)"
        return f"demo: {name} {what}; the end of {self._log_of(name)}:\n{end}"

    def _clear(self, ended: Sequence[Running]) -> None:
        """Kill what is left of these services, their children included, and forget them."""
        for running in ended:
            guard.signal_group(running.process.pid, signal.SIGKILL)
        for running in ended:
            running.process.wait()
            _collect_orphans(running.process.pid)
            self._tell_guard("-", running.process.pid)
            self._running.pop(running.service.name, None)

    def _tell_guard(self, sign: str, group: int) -> None:
        if self._guard is None or self._guard.stdin is None:
            raise RuntimeError("the supervisor is used outside its `with` block")
        try:
            self._guard.stdin.write(f"{sign}{group}\n".encode())
            self._guard.stdin.flush()
        except BrokenPipeError:
            # Somebody killed the guard; the parent-death signal still stands.
            return

    def _log_of(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _end_with_parent(parent: int) -> None:
    """Ask the kernel for a SIGTERM when the parent ends; runs in the child, before its program."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)


def _collect_orphans(group: int) -> None:
    """Wait until no process of a killed group is left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def _name_exit(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"

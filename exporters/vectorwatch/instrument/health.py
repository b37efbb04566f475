"""Whether a service can do its work: checks of its parts, parallel, with deadlines, cached for a second."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import Any

from vectorwatch.log_lines.redaction import redact

from .errors import SetupError

Check = Callable[[], Awaitable[Mapping[str, Any] | None]]

CACHED_SECONDS = 1.0
"""Several probes and a person who reloads cannot ask a backend more often than this."""

_LONGEST_ERROR = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ERROR_WORDS = frozenset({"down", "fail", "failed", "unhealthy"})
_TAKEN = frozenset({"detailed"})


class Status(StrEnum):
    """How a part, or the whole, is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What one check has found."""

    status: Status
    seconds: float
    at: datetime
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass
class Component:
    """One part of the service and its check."""

    name: str
    check: Check
    critical: bool
    timeout_seconds: float
    _finding: Finding | None = None
    _fresh_until: float = 0.0
    _running: asyncio.Task[Finding] | None = None

    async def examine(self) -> Finding:
        """Run the check, or return what one has found that runs or ended less than a second ago."""
        if self._finding is not None and monotonic() < self._fresh_until:
            return self._finding
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        # Shielded: a probe that hangs up must not end the check that others wait for.
        return await asyncio.shield(self._running)

    async def _run(self) -> Finding:
        started, at = monotonic(), datetime.now(UTC)
        status, metrics, error = await self._try()
        self._finding = Finding(status, monotonic() - started, at, metrics, error)
        self._fresh_until = monotonic() + CACHED_SECONDS
        return self._finding

    async def _try(self) -> tuple[Status, Mapping[str, Any], str]:
        try:
            answer: Any = self.check()
            if not inspect.isawaitable(answer):
                return Status.ERROR, {}, "the check is no `async def` function"
            task: asyncio.Future[Any] = asyncio.ensure_future(answer)
            # Not `wait_for`: it would wait on for a check that does not heed its cancellation.
            done, _ = await asyncio.wait({task}, timeout=self.timeout_seconds)
            if not done:
                task.cancel()
                return Status.ERROR, {}, f"no answer within {self.timeout_seconds:g} s"
            details = task.result()
        except asyncio.CancelledError:
            return Status.ERROR, {}, "the check was cancelled"
        except Exception as error:
            return Status.ERROR, {}, describe(error)
        metrics = dict(details) if isinstance(details, Mapping) else {}
        status = read_status(metrics.get("status"))
        if status is not None:
            del metrics["status"]
        return status or Status.HEALTHY, metrics, ""


class Health:
    """The parts of a service. `instrument` serves what this reports."""

    def __init__(self, service: str, version: str) -> None:
        self._service = service
        self._version = version
        self._started = monotonic()
        self._components: dict[str, Component] = {}

    def add(self, name: str, check: Check, critical: bool = True, timeout_seconds: float = 2.0) -> None:
        """Add a part: `check` returns a mapping of details or None, and raises when the part does not work.

        A detail `status` of `degraded` says that it works badly, `error`, `unhealthy`, `down`, `failed` or
        `fail` that it does not; other words are details as any. A critical part that fails makes the whole
        `error` (503), another one `degraded` (200). Raises SetupError for a name that cannot be used.
        """
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise SetupError(
                f"health.add: `{name}` is no name for a part; use a-z, 0-9, `_` and `-`, and not `detailed`"
            )
        if name in self._components:
            raise SetupError(f"health.add: there is a part `{name}` already")
        if timeout_seconds <= 0:
            raise SetupError(f"health.add: `{name}` has {timeout_seconds:g} s to answer; give it more than 0")
        self._components[name] = Component(name, check, critical, timeout_seconds)

    def names(self) -> list[str]:
        """Return the names of the parts, sorted."""
        return sorted(self._components)

    def has(self, name: str) -> bool:
        """Tell whether there is a part of this name."""
        return name in self._components

    async def report(self, *, detailed: bool = False) -> tuple[Status, dict[str, Any]]:
        """Return how the service is, and the answer of `/health` or `/health/detailed`."""
        parts = list(self._components.values())
        findings = await asyncio.gather(*(part.examine() for part in parts))
        found = list(zip(parts, findings, strict=True))
        status = judge((part.critical, finding.status) for part, finding in found)
        answer: dict[str, Any] = {
            "status": status,
            "timestamp": write_time(datetime.now(UTC)),
            "service": self._service,
            "version": self._version,
            "uptime_seconds": round(monotonic() - self._started, 3),
        }
        if detailed:
            answer["components"] = {part.name: describe_part(part, finding) for part, finding in found}
            answer["metrics"] = {part.name: finding.metrics for part, finding in found}
            answer["alerts"] = [
                {"component": part.name, **alert}
                for part, finding in found
                for alert in find_alerts(part, finding)
            ]
        else:
            answer["components"] = {part.name: finding.status for part, finding in found}
        return status, answer

    async def report_part(self, name: str) -> tuple[Status, dict[str, Any]]:
        """Return how one part is, and the answer of `/health/<name>`."""
        part = self._components[name]
        finding = await part.examine()
        return finding.status, describe_part(part, finding)


def read_status(word: Any) -> Status | None:
    """Return what a check means by the detail `status`; None when it is no word that is known."""
    if not isinstance(word, str):
        return None
    word = word.lower()
    if word in _ERROR_WORDS:
        return Status.ERROR
    return Status(word) if word in set(Status) else None


def judge(parts: Any) -> Status:
    """Return the status of the whole, given pairs of "is critical" and the status of a part."""
    whole = Status.HEALTHY
    for critical, status in parts:
        if status is Status.ERROR and critical:
            return Status.ERROR
        if status is not Status.HEALTHY:
            whole = Status.DEGRADED
    return whole


def describe_part(part: Component, finding: Finding) -> dict[str, Any]:
    """Return what `/health/<name>` and `/health/detailed` say of one part."""
    return {
        "component": part.name,
        "status": finding.status,
        "critical": part.critical,
        "timestamp": write_time(finding.at),
        "duration_ms": round(finding.seconds * 1000, 3),
        "metrics": finding.metrics,
        "alerts": find_alerts(part, finding),
    } | ({"error": finding.error} if finding.error else {})


def find_alerts(part: Component, finding: Finding) -> list[dict[str, str]]:
    """Return what a person should look at."""
    if finding.status is Status.HEALTHY:
        return []
    is_critical = part.critical and finding.status is Status.ERROR
    return [
        {
            "level": "critical" if is_critical else "warning",
            "message": finding.error or f"{part.name} is {finding.status}",
        }
    ]


def describe(error: Exception) -> str:
    """Return the kind and the first line of an error, without passwords, at most 200 characters."""
    first = redact(str(error).strip().partition("\n")[0])
    return f"{type(error).__name__}: {first}"[:_LONGEST_ERROR] if first else type(error).__name__


def write_time(at: datetime) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"

"""Ask everybody at once, and keep the answer for those who ask in the next seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import aiohttp

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, open_session
from vectorwatch.serve.http_target import check_http_url
from vectorwatch.serve.target_list import TargetList
from vectorwatch.serve.web_login import login_headers

from .answer import Alert, Check, ComponentHealth, State
from .history import Historian, History
from .judge import judge, judge_all
from .matrix import COMPONENTS
from .observe import FiringAlerts, read_alerts, read_facts
from .ping import ping_http, ping_redis
from .settings import StatusSettings

log = logging.getLogger(__name__)

_REMEDY = "components are judged by checks alone until it does"


@dataclass(frozen=True)
class Report:
    """What was found out at one time."""

    status: State
    timestamp: datetime
    components: Sequence[ComponentHealth]
    alerts: Sequence[Alert]
    problem: str


class Checker:
    """The checks of one configuration; they run within `run()`."""

    def __init__(self, settings: StatusSettings) -> None:
        self._settings = settings
        self._qdrant = TargetList(settings.qdrant_targets_file, _check_http_address)
        self._cache = TargetList(settings.cache_targets_file, _check_redis_address)
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[float, Report] | None = None
        self._historian = Historian(settings.deadline_seconds, settings.throughput_targets)
        self._told = ""
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Hold the connections open."""
        async with open_session() as session:
            self._session = session
            yield

    async def report(self) -> Report:
        """Return what is so now, or was a few seconds ago; who asks meanwhile waits for the same answer."""
        async with self._one_at_a_time:
            if self._last is None or monotonic() - self._last[0] > self._settings.fresh_seconds:
                report = await self._find_out()
                self._last = monotonic(), report
            return self._last[1]

    async def history(self) -> History:
        """Return the last day of the most telling numbers."""
        return await self._historian.read(self._prometheus)

    @property
    def _prometheus(self) -> JsonClient:
        settings = self._settings
        try:
            headers = login_headers(settings.prometheus_password_file)
        except TargetError as error:
            # Whether it wants one at all, Prometheus says.
            log.warning("the password of Prometheus: %s", error)
            headers = {}
        return JsonClient(self._open_session, settings.prometheus_url, headers)

    @property
    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("used outside of run()")
        return self._session

    async def _find_out(self) -> Report:
        settings, prometheus = self._settings, self._prometheus
        deadline = settings.deadline_seconds
        facts, checks, (firing, problem) = await asyncio.gather(
            asyncio.gather(*(read_facts(prometheus, one, deadline) for one in COMPONENTS)),
            self._check_all(self._open_session),
            self._read_alerts(prometheus),
        )
        components = [
            judge(one, known, firing, checks.get(one.name, []), problem, settings.grafana_page)
            for one, known in zip(COMPONENTS, facts, strict=True)
        ]
        alerts = [alert for _, alert in firing.alerts] if firing else []
        self._log(problem or "; ".join(sorted({known.problem for known in facts if known.problem})))
        status = judge_all(components, alerts, set(settings.required), problem)
        return Report(status, datetime.now(UTC), components, alerts, problem)

    def _log(self, trouble: str) -> None:
        """Log once that something cannot be read, and once that all can be again."""
        if trouble != self._told:
            log.log(logging.WARNING if trouble else logging.INFO, trouble or "Prometheus can be read again")
        self._told = trouble

    async def _read_alerts(self, prometheus: JsonClient) -> tuple[FiringAlerts | None, str]:
        try:
            return await read_alerts(prometheus, self._settings.deadline_seconds), ""
        except TargetError as error:
            why = str(error) if error.reason in (Reason.PARTIAL, Reason.TIMEOUT) else error.reason.value
            return None, f"Prometheus at {self._settings.prometheus_url} tells nothing ({why}); {_REMEDY}"

    async def _check_all(self, session: aiohttp.ClientSession) -> dict[str, list[Check]]:
        """Return the checks by component."""
        settings, seconds = self._settings, self._settings.deadline_seconds
        asked: list[tuple[str, Coroutine[None, None, Check]]] = [
            *(
                ("vector_store", ping_http(session, one, "/readyz", seconds))
                for one in self._qdrant.addresses()
            ),
            *(("cache_system", ping_redis(one, seconds)) for one in self._cache.addresses()),
        ]
        for name, url, path in (
            ("alertmanager", settings.alertmanager_url, "/-/healthy"),
            ("grafana", settings.grafana_url, "/api/health"),
            ("inbox", settings.inbox_url, "/readyz"),
            ("jaeger", settings.jaeger_url, "/"),
        ):
            if url:
                asked.append((name, ping_http(session, url, path, seconds)))
        found: dict[str, list[Check]] = {}
        for (name, _), check in zip(asked, await asyncio.gather(*(one for _, one in asked)), strict=True):
            found.setdefault(name, []).append(check)
        return found


def _check_http_address(address: str) -> None:
    check_http_url(address if "://" in address else f"http://{address}")


def _check_redis_address(address: str) -> None:
    if "@" in address:
        raise ValueError("an address must not hold credentials")

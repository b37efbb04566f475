"""The rounds of one target."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from random import Random
from typing import NoReturn

import aiohttp

from vectorwatch.errors import TargetError
from vectorwatch.serve.http_client import JsonClient
from vectorwatch.serve.span import describe_server, mark_failed, open_span

from .budget import Budget, Clock
from .client import Mode, SearchClient
from .schedule import Schedule
from .settings import CollectionPlan, HnswSettings, ProbeTarget
from .state import CollectionRecord, TargetState
from .trouble import CONCERNS_ALL, Failure, Trouble, classify
from .visit import Visitor

log = logging.getLogger(__name__)

_LATE_AFTER_INTERVALS = 3


class Probe:
    """Measures one target, round after round, one request at a time."""

    def __init__(
        self,
        target: ProbeTarget,
        settings: HnswSettings,
        session: aiohttp.ClientSession,
        *,
        rng: Random | None = None,
        clock: Clock = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.target = target
        self._settings = settings
        self._session = session
        self._rng = rng or Random(settings.seed)  # noqa: S311  # noise, not a secret
        self._clock = clock
        self._wall_clock = wall_clock
        # Searches are cut off one by one; this catches a server that drips its answers.
        self._round_timeout_seconds = settings.interval_seconds + settings.query_timeout_seconds
        late_seconds = _LATE_AFTER_INTERVALS * settings.interval_seconds + self._round_timeout_seconds
        self.state = TargetState(clock, late_seconds)
        self._budget = Budget(
            searches_per_minute=settings.queries_per_minute,
            max_load_ratio=settings.max_load_ratio,
            interval_seconds=settings.interval_seconds,
            clock=clock,
        )
        self._plans: dict[str, list[CollectionPlan]] = {}
        for plan in target.collections:
            self._plans.setdefault(plan.name, []).append(plan)

    async def run(self) -> NoReturn:
        """Make rounds until cancelled."""
        schedule = Schedule(self._settings.interval_seconds, self._clock)
        while True:
            await asyncio.sleep(schedule.seconds_to_next())
            await self.run_round()

    async def run_round(self) -> None:
        """Measure what the budget allows; never raises, the outcome is in `state`."""
        with open_span("probe round", describe_server(self.target.url)) as span:
            failure = await self._try_round()
            if failure is not None:
                mark_failed(span, failure.trouble.value, failure.text)
        self.state.end_round(failure, self._wall_clock())

    async def _try_round(self) -> Failure | None:
        failure: Failure | None
        try:
            async with asyncio.timeout(self._round_timeout_seconds):
                failure = await self._measure_target()
        except TimeoutError:
            text = f"no end within {self._round_timeout_seconds:g} s"
            failure = self.state.count(Trouble.TIMEOUT, text)
        except Exception as error:  # the one boundary: a defect here must not end the other targets' rounds
            log.exception("%s: a round was ended by a defect of the probe", self.target.label)
            failure = self.state.count(Trouble.INTERNAL, repr(error))
        return failure

    async def _measure_target(self) -> Failure | None:
        """Visit the collections, longest unvisited first; return what concerns them all."""
        try:
            client = self._client()
            names = await self._choose_collections(client)
        except TargetError as error:
            return self.state.count(classify(error), str(error))
        order = sorted(self.state.update_collections(names), key=lambda record: record.visited_at)
        visitor = self._visitor(client, order)
        for record in order:
            if visitor.is_over():
                break
            failure = await visitor.visit(record)
            if failure and failure.trouble in CONCERNS_ALL:
                return failure
        return None

    def _visitor(self, client: SearchClient, order: list[CollectionRecord]) -> Visitor:
        return Visitor(
            client=client,
            label=self.target.label,
            state=self.state,
            budget=self._budget,
            settings=self._settings,
            plans=self._plans,
            rng=self._rng,
            wall_clock=self._wall_clock,
            ends_at=self._clock() + self._settings.interval_seconds,
            collections_left=len(order),
        )

    def _client(self) -> SearchClient:
        """Return a client with the present credentials. Raises TargetError."""
        target, settings = self.target, self._settings
        http = JsonClient(
            self._session, target.url, target.headers(), target.tls(), settings.max_answer_bytes
        )
        return SearchClient(http, settings.query_timeout_seconds, self._clock, self._charge)

    def _charge(self, mode: Mode, engine_seconds: float) -> None:
        self.state.charge(mode, engine_seconds)
        self._budget.charge(searches=int(mode is not Mode.STATE), engine_seconds=engine_seconds)

    async def _choose_collections(self, client: SearchClient) -> list[str]:
        """Return the names of what is to be measured. Raises TargetError."""
        names = sorted(self._plans)
        if not names:
            names = [name for name in await client.names() if name not in self.target.exclude]
        chosen = names[: self._settings.max_collections]
        self.state.skipped_collections = len(names) - len(chosen)
        return chosen

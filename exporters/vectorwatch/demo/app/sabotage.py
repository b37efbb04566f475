"""Makes faults come true: once a second each part is set to what its faults want, or back to health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from time import perf_counter

from vectorwatch.instrument import track

from . import articles
from .background import Background
from .faults import Faults
from .pipeline import Disturbance, Pipeline

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_ASTRAY_EVERY_TICKS = 5
_BACKLOG_JOBS = 80
_EVICTING_ENTRIES = 20
_ALL, _HALF, _THIRD = 1.0, 0.5, 0.34


class Sabotage:
    """Applies `faults` to the parts of a pipeline."""

    def __init__(self, faults: Faults, pipeline: Pipeline, background: Background) -> None:
        self._faults = faults
        self._pipeline = pipeline
        self._parts = pipeline.parts
        self._background = background
        self._entries = self._parts.cache.entries
        self._tool_failure_ratio = self._parts.tools.failure_ratio
        self._model_failure_ratio = self._parts.large.failure_ratio
        self._ticks = 0
        self._on: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Apply the faults every second, until cancelled."""
        while True:
            try:
                await self.apply()
            except Exception:
                log.exception("a fault could not be applied")
            await asyncio.sleep(_TICK_SECONDS)

    async def apply(self) -> None:
        """Apply the faults that are on now, undo those that have ended."""
        on = frozenset(fault.name for fault in self._faults.list_on())
        if not on and not self._on:
            return
        for name in sorted(on ^ self._on):
            log.warning("the fault %s %s", name, "begins" if name in on else "has ended")
        # Before anything is tried: what fails half-way must be undone as well.
        self._on |= on
        self._set_states(on)
        await self._disturb_database(on)
        await self._act(on)
        self._on = on
        self._ticks += 1

    def _set_states(self, on: frozenset[str]) -> None:
        parts = self._parts
        self._pipeline.disturbance = _disturb(on)
        parts.articles.delay_seconds = 2.5 if "slow_search" in on else 0.0
        parts.large.slowdown = 20.0 if "slow_llm" in on else 1.0
        parts.large.verbosity = 20 if "cost_spike" in on else 1
        parts.large.failure_ratio = _ALL if "model_errors" in on else self._model_failure_ratio
        parts.tools.failure_ratio = _HALF if "tool_failures" in on else self._tool_failure_ratio
        parts.cache.entries = _EVICTING_ENTRIES if "cache_evictions" in on else self._entries
        parts.hypervectors.delay_seconds = 0.15 if "hdc_slow" in on else 0.0
        parts.hypervectors.broken = "hdc_errors" in on
        self._background.prediction.distortion = 3.0 if "load_drift" in on else 1.0

    async def _disturb_database(self, on: frozenset[str]) -> None:
        database = self._parts.database
        database.pause_seconds = 0.4 if "slow_database" in on else 0.0
        database.lose_affinity = "affinity_loss" in on
        database.ask_nonsense = "query_errors" in on
        refuse = "database_failures" in on
        if refuse != database.refuse_connections:
            database.refuse_connections = refuse
            database.drop_connections()
        if "pool_exhaustion" in on and not refuse:
            await database.hold_connections()
        elif "pool_exhaustion" in self._on:
            await database.release_connections()

    async def _act(self, on: frozenset[str]) -> None:
        if "model_backlog" in on:
            self._background.add_backlog(_BACKLOG_JOBS)
        elif "model_backlog" in self._on:
            self._background.drop_backlog()
        if "security_burst" in on:
            _attack()
        if self._ticks % _ASTRAY_EVERY_TICKS == 0:
            if "alias_failure" in on:
                await _expect_refusal(self._parts.articles.move_alias_astray())
            if "payload_index_failure" in on:
                await _expect_refusal(self._parts.articles.index_payload_astray())


def _disturb(on: frozenset[str]) -> Disturbance:
    return Disturbance(
        error_ratio=_HALF if "error_burst" in on else 0.0,
        delay_seconds=1.5 if "slow_requests" in on else 0.0,
        cache_delay_seconds=5.0 if "cache_slow" in on else 0.0,
        skip_cache="cache_misses" in on,
        forget_documents="hyde_misses" in on,
        retrieval_error_ratio=_THIRD if "rag_failures" in on else 0.0,
        random_passages="quality_drop" in on,
        embedding_noise=0.3 if "accuracy_drop" in on else 0.0,
    )


def _attack() -> None:
    """Record what an attack of one second looks like; the addresses are those of documentation (RFC 5737)."""
    source = {"source_ip": "203.0.113.7"}
    for _ in range(5):
        track.security_event(
            "authentication_failure", outcome="failure", details={**source, "reason": "invalid_credentials"}
        )
    track.security_event("privilege_escalation", outcome="success", details=source)


async def _expect_refusal(work: Awaitable[None]) -> None:
    started = perf_counter()
    try:
        await work
    except articles.Failures as error:
        log.warning("refused after %.3f s: %s", perf_counter() - started, type(error).__name__)

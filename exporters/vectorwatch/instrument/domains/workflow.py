"""Workflows: requests from start to answer, who they are for, and how good the answers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import SECONDS, Counter, Gauge, Histogram, Summary
from vectorwatch.instrument.operation import Operation, error_type_of, status_of

from .limits import AGENT_NAMES, AGENTS, ERROR_TYPES, MODES, TENANTS, names

_CACHE_STATUS = one_of("hit", "miss", "bypass")
REQUESTS = Counter(
    "vital_workflow_requests_total",
    "Workflows that ended, cancelled ones too.",
    {"mode": MODES, "cache_status": _CACHE_STATUS},
)
SUCCESS = Counter("vital_workflow_requests_success_total", "Workflows that ended well.", {"mode": MODES})
FAILED = Counter(
    "vital_workflow_requests_failed_total",
    "Workflows that raised, by class of what was raised; cancelled ones are neither success nor failure.",
    {"mode": MODES, "error_type": ERROR_TYPES},
)
DURATION = Histogram(
    "vital_workflow_duration_seconds",
    "Time from start to answer; failures too, cancelled ones not.",
    {"mode": MODES, "cache_status": _CACHE_STATUS},
    buckets=(*SECONDS, 60.0, 120.0),  # the requirements alert above 30 s, so that 30 must not be the last
)
DURATION_SUMMARY = Summary(
    "vital_workflow_duration_summary",
    "Time from start to answer in seconds, for means; failures too, cancelled ones not.",
    {"mode": MODES},
)
ACTIVE = Gauge(
    "vital_active_workflows",
    "Workflows that run now; workers are added up.",
    {"mode": MODES},
    multiprocess="livesum",
)
TENANT_QUERIES = Counter("vital_queries_per_tenant_total", "Queries by tenant.", {"tenant_id": TENANTS})
AGENT_USAGE = Counter(
    "vital_agent_usage_total", "Uses of an agent.", {"agent_id": AGENTS, "agent_name": AGENT_NAMES}
)
QUALITY = Histogram(
    "vital_quality_score",
    "Quality of an answer, 0 to 1, as the application rates it.",
    {"mode": MODES},
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0),
)
DEGRADED = Counter(
    "vital_degraded_responses_total",
    "Answers with a degradation, each counted once, under the first reason given.",
    {"mode": MODES, "reason": names()},
)
WARNINGS = Counter("vital_warnings_total", "Warnings in answers.", {"mode": MODES, "warning": names()})


class workflow(Operation):  # noqa: N801 - read as a verb: `with track.workflow("chat", tenant_id="acme"):`
    """Time and count one workflow; tenant and agent too where they are given (do not count them again).

    `cache_status` (hit, miss or bypass) may be set inside the block, when it is known.
    """

    __slots__ = ("_active", "_agent_id", "_agent_name", "_mode", "_tenant_id", "cache_status")
    span_name = "invoke_workflow"

    def __init__(
        self,
        mode: str,
        tenant_id: str = "",
        agent_id: str = "",
        agent_name: str = "",
        cache_status: str = "miss",
    ) -> None:
        self._mode = mode
        self._tenant_id = tenant_id
        self._agent_id = agent_id
        self._agent_name = agent_name
        self.cache_status = cache_status

    def __enter__(self) -> Self:
        self._active = ACTIVE.child(self._mode)
        self._active.inc()
        return Operation.__enter__(self)

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record how long it took, how it ended, and for whom it was."""
        mode, cache_status = self._mode, self.cache_status
        self._active.dec()
        REQUESTS.child(mode, cache_status).inc()
        status = status_of(error)
        if error is None:
            SUCCESS.child(mode).inc()
        elif status == "error":
            FAILED.inc(mode, error_type_of(error))
        if status != "cancelled":
            DURATION.observe(seconds, mode, cache_status)
            DURATION_SUMMARY.child(mode).observe(seconds)
        if self._tenant_id:
            TENANT_QUERIES.child(self._tenant_id).inc()
        if self._agent_id:
            AGENT_USAGE.child(self._agent_id, self._agent_name).inc()

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the attributes of OpenTelemetry's conventions for generative AI, where it has any."""
        given = {
            "tenant.id": self._tenant_id,
            "gen_ai.agent.id": self._agent_id,
            "gen_ai.agent.name": self._agent_name,
        }
        return {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": self._mode,
            "workflow.cache_status": self.cache_status,
            **{name: value for name, value in given.items() if value},
        }


def quality(
    score: float, mode: str, degradation_reasons: Sequence[str] = (), warnings: Sequence[str] = ()
) -> None:
    """Record one answer: its score (0 to 1), that it is degraded if there is a reason, and its warnings."""
    QUALITY.observe(score, mode)
    if degradation_reasons:
        DEGRADED.inc(mode, degradation_reasons[0])
    for warning in warnings:
        WARNINGS.inc(mode, warning)


def tenant_query(tenant_id: str) -> None:
    """Count a query of a tenant that no `workflow` with that tenant counts."""
    TENANT_QUERIES.inc(tenant_id)


def agent_usage(agent_id: str, agent_name: str) -> None:
    """Count a use of an agent that no `workflow` with that agent counts."""
    AGENT_USAGE.inc(agent_id, agent_name)

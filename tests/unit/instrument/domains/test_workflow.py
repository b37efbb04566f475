"""Workflows: how they end, whom they are for, and the quality of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.instrument import track


def test_a_workflow_that_ends_well_counts_once_in_each_metric(readings: Any) -> None:
    with track.workflow("chat", tenant_id="acme", agent_id="a1", agent_name="writer"):
        pass
    assert readings.grown("vital_") == {
        "vital_workflow_requests_total": 1,
        "vital_workflow_requests_success_total": 1,
        "vital_workflow_duration_seconds_count": 1,
        "vital_workflow_duration_summary_count": 1,
        "vital_queries_per_tenant_total": 1,
        "vital_agent_usage_total": 1,
    }
    assert readings.added("vital_workflow_requests_total", mode="chat", cache_status="miss") == 1
    assert readings.added("vital_queries_per_tenant_total", tenant_id="acme") == 1
    assert readings.added("vital_agent_usage_total", agent_id="a1", agent_name="writer") == 1


def test_a_failure_is_counted_by_the_class_of_its_error(readings: Any) -> None:
    with pytest.raises(PermissionError), track.workflow("chat"):
        raise PermissionError
    labels = {"mode": "chat", "error_type": "PermissionError"}
    assert readings.added("vital_workflow_requests_failed_total", **labels) == 1
    assert readings.added("vital_workflow_requests_success_total", mode="chat") == 0
    assert readings.added("vital_workflow_requests_total", mode="chat", cache_status="miss") == 1


async def test_active_workflows_go_down_again_even_when_they_are_cancelled(readings: Any) -> None:
    begun = asyncio.Event()

    async def wait() -> None:
        async with track.workflow("chat"):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await begun.wait()
    assert readings.added("vital_active_workflows", mode="chat") == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert readings.added("vital_active_workflows", mode="chat") == 0
    assert readings.grown("vital_workflow") == {"vital_workflow_requests_total": 1}


def test_the_cache_status_may_be_told_inside(readings: Any) -> None:
    with track.workflow("chat") as run:
        run.cache_status = "hit"
    assert readings.added("vital_workflow_duration_seconds_count", mode="chat", cache_status="hit") == 1


def test_latencies_beyond_the_critical_threshold_can_be_told_apart(readings: Any) -> None:
    with track.workflow("chat"):
        pass
    for bound in ("10.0", "30.0", "60.0"):
        labels = {"mode": "chat", "cache_status": "miss", "le": bound}
        assert readings.value("vital_workflow_duration_seconds_bucket", **labels) is not None


def test_a_tenant_may_be_named_by_a_uuid_and_never_by_an_address(readings: Any) -> None:
    tenant = "0b9d0d5e-6c1c-4b44-9d52-0a2f5b1f9a11"
    track.tenant_query(tenant)
    track.tenant_query("anna@example.com")
    assert readings.added("vital_queries_per_tenant_total", tenant_id=tenant) == 1
    assert readings.added("vital_queries_per_tenant_total", tenant_id="other") == 1


def test_an_answer_with_two_reasons_is_one_degraded_response(readings: Any) -> None:
    track.quality(0.7, "chat", degradation_reasons=("timeout", "no_rag"), warnings=("old", "short"))
    track.quality(0.95, "chat")
    assert readings.grown("vital_") == {
        "vital_quality_score_count": 2,
        "vital_degraded_responses_total": 1,
        "vital_warnings_total": 2,
    }
    assert readings.added("vital_degraded_responses_total", mode="chat", reason="timeout") == 1
    assert readings.added("vital_quality_score_bucket", mode="chat", le="0.8") == 1


def test_agents_are_counted_outside_of_workflows_too(readings: Any) -> None:
    track.agent_usage("a1", "writer")
    assert readings.added("vital_agent_usage_total", agent_id="a1", agent_name="writer") == 1


def test_the_span_says_mode_tenant_and_agent(spans: Callable[[], list[Any]]) -> None:
    with track.workflow("chat", tenant_id="acme", agent_id="a1"):
        pass
    assert dict(spans()[0].attributes) == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "chat",
        "workflow.cache_status": "miss",
        "tenant.id": "acme",
        "gen_ai.agent.id": "a1",
    }

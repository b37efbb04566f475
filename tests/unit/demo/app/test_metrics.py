"""Every metric that an application can record moves at the demo service: in health, or with its fault."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import time
from collections.abc import Callable
from typing import NoReturn

import httpx
import pytest

from vectorwatch.demo.app.embedding import HashedNgrams
from vectorwatch.demo.app.load import Generator, Load
from vectorwatch.instrument import domains
from vectorwatch.instrument.metric import Metric

from .conftest import Running, Scrape

pytestmark = pytest.mark.slow

LOAD_SECONDS = 240.0
LEAST_ANSWERS = 50

SILENT_IN_HEALTH = {
    "payload_indexing_errors_total": "payload_index_failure",
    "collection_alias_errors_total": "alias_failure",
    "db_connection_errors_total": "database_failures",
    "db_query_errors_total": "query_errors",
    "hdc_operation_errors_total": "hdc_errors",
    "vital_workflow_requests_failed_total": "error_burst",
    "db_circuit_breaker_state": "database_failures",
}
"""By metric: the fault that moves it (test_faults_on_request.py); the alerts on these ask for more than 0."""

MAY_BE_SILENT = {
    "db_circuit_breaker_failures_total": "one call in 250 fails, so a short load may see none",
    "db_circuit_breaker_recoveries_total": "recovers only after five failures in a row",
    "model_errors_total": "one call in 250 fails, so a short load may see none",
    "model_timeout_total": "moves with the fault slow_llm",
    "model_fallback_total": "moves when a call fails",
    "model_queue_length": "a short load at a fast model leaves nobody waiting; moves with model_backlog",
    "db_connection_pool_overflow": "five connections suffice in health; moves with pool_exhaustion",
    "vital_degraded_responses_total": "moves when a tool or a model fails",
    "vital_warnings_total": "moves with rag_failures",
    "vital_active_workflows": "goes back to 0 between two requests",
    "db_connection_pool_checked_out": "goes back to 0 between two queries",
    "db_connection_affinity_performance_gain_percent": "is 0 until a query has both hit and missed",
}

NOT_HERE = {
    "model_vram_allocated_bytes": "the service runs no model on a GPU",
    "model_vram_available_bytes": "the service runs no model on a GPU",
    "hdc_gpu_memory_usage_bytes": "its hypervectors are computed by the CPU",
    "hdc_gpu_utilization_percent": "its hypervectors are computed by the CPU",
    "vital_llm_unpriced_tokens_total": "both of its models stand in its price table",
    "vectorwatch_instrument_users_not_counted_total": "it has 18 users",
}


def list_metrics() -> dict[str, Metric[object]]:
    """Return every metric of every domain by name."""
    found: dict[str, Metric[object]] = {}
    for module in pkgutil.iter_modules(domains.__path__):
        for value in vars(importlib.import_module(f"{domains.__name__}.{module.name}")).values():
            if isinstance(value, Metric):
                found[value.name] = value
    return found


def moves(scrape: Scrape, name: str) -> bool:
    """Tell whether a counter, gauge, histogram or summary of this name has a value other than 0."""
    return any(scrape.total(f"{name}{suffix}") for suffix in ("", "_count"))


def count_answers(scrape: Scrape) -> float:
    return scrape.total("http_requests_total", status="200", endpoint="/v1/query")


@pytest.fixture(scope="module")
def loaded(running: Running) -> Scrape:
    """A scrape after users have asked until all that should move has moved, or time is up."""
    wanted = list_metrics().keys() - SILENT_IN_HEALTH.keys() - MAY_BE_SILENT.keys() - NOT_HERE.keys()
    end = time.monotonic() + LOAD_SECONDS

    async def load() -> Scrape:
        options = Load(running.url, running.data / "keys.json", requests_per_second=20)
        async with httpx.AsyncClient(base_url=running.url, timeout=120, trust_env=False) as client:
            task = asyncio.ensure_future(Generator(options, client).run())
            scrape = running.scrape()
            while time.monotonic() < end and not (
                all(moves(scrape, name) for name in wanted) and count_answers(scrape) > LEAST_ANSWERS
            ):
                await asyncio.sleep(0.5)
                scrape = await asyncio.to_thread(running.scrape)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return scrape

    return asyncio.run(load())


def test_the_domains_have_metrics() -> None:
    assert len(list_metrics()) > 80


@pytest.mark.parametrize(
    "name", sorted(list_metrics().keys() - SILENT_IN_HEALTH.keys() - MAY_BE_SILENT.keys() - NOT_HERE.keys())
)
def test_a_metric_moves_in_normal_operation(name: str, loaded: Scrape) -> None:
    assert moves(loaded, name)


@pytest.mark.parametrize("name", sorted(SILENT_IN_HEALTH))
def test_what_alerts_on_a_single_event_is_silent_in_health(name: str, loaded: Scrape) -> None:
    assert not moves(loaded, name)


def test_every_exception_is_a_metric_that_exists() -> None:
    assert {*SILENT_IN_HEALTH, *MAY_BE_SILENT, *NOT_HERE} <= list_metrics().keys()


def test_the_load_got_answers_and_was_refused_now_and_then(running: Running, loaded: Scrape) -> None:
    assert count_answers(loaded) > LEAST_ANSWERS
    assert loaded.total("http_requests_total", status="500") == 0
    assert running.scrape().total("vectorwatch_instrument_failures_total") == 0
    assert loaded.total("vectorwatch_instrument_label_values_refused_total") == 0


def test_it_stays_small(running: Running, loaded: Scrape, give_up: Callable[[str], NoReturn]) -> None:
    if not loaded.total("model_memory_usage_bytes", model_name=HashedNgrams.name):
        give_up("a neural model embeds here, which needs more memory")
    assert loaded.total("process_resident_memory_bytes") < 250 * 1024 * 1024

"""Each fault, begun at a service that runs, shows in the metric that its alert looks at; and ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

import pytest

from vectorwatch.demo.app.faults import KNOWN
from vectorwatch.demo.app.question import MODES

from .conftest import Running, Scrape

pytestmark = pytest.mark.slow

Shown = Callable[[Scrape, Scrape], bool]
Poll = Callable[..., None]


def grew(name: str, by: float = 0, **labels: str) -> Shown:
    return lambda before, now: now.total(name, **labels) - before.total(name, **labels) > by


def mean_above(histogram: str, limit: float, **labels: str) -> Shown:
    return lambda before, now: _mean(before, now, histogram, labels) > limit


def mean_below(histogram: str, limit: float) -> Shown:
    return lambda before, now: 0 < _mean(before, now, histogram, {}) < limit


def _mean(before: Scrape, now: Scrape, histogram: str, labels: dict[str, str]) -> float:
    added = [
        now.total(f"{histogram}_{part}", **labels) - before.total(f"{histogram}_{part}", **labels)
        for part in ("sum", "count")
    ]
    return added[0] / added[1] if added[1] else 0.0


def share_above(part: str, whole: str, limit: float, **labels: str) -> Shown:
    def shown(before: Scrape, now: Scrape) -> bool:
        of = now.total(whole) - before.total(whole)
        return of > 5 and (now.total(part, **labels) - before.total(part, **labels)) / of > limit

    return shown


def both(*conditions: Shown) -> Shown:
    return lambda before, now: all(condition(before, now) for condition in conditions)


SHOWN: Mapping[str, Shown] = {
    "error_burst": both(
        grew("http_requests_total", status="500"), grew("vital_workflow_requests_failed_total")
    ),
    "slow_requests": mean_above("http_request_duration_seconds", 1.0, endpoint="/v1/query"),
    "slow_llm": both(grew("model_timeout_total"), grew("model_fallback_total")),
    "slow_search": both(
        mean_above("qdrant_client_search_duration_seconds", 2.0),
        mean_above("query_api_duration_seconds", 0.5),
    ),
    "slow_database": lambda before, now: (
        grew("db_query_duration_seconds_count", 5)(before, now)
        and _mean(before, now, "db_query_duration_seconds", {"query_type": "select"}) > 0.15
    ),
    "cost_spike": lambda before, now: (
        now.total("vital_estimated_cost_dollars_total")
        > 3 * before.total("vital_estimated_cost_dollars_total")
    ),
    "cache_misses": share_above(
        "vital_cache_operations_total", "vital_workflow_requests_total", 0.9, operation="miss"
    ),
    "cache_slow": grew("vital_degraded_responses_total", reason="cache_unavailable"),
    "cache_evictions": both(
        grew("vital_cache_operations_total", operation="evict"),
        lambda _, now: now.total("vital_cache_capacity_entries") == 20,
    ),
    "hyde_misses": share_above("hyde_cache_misses_total", "hyde_cache_requests_total", 0.9),
    "quality_drop": mean_below("vital_quality_score", 0.8),
    "tool_failures": grew("vital_tool_executions_total", 2, status="error"),
    "rag_failures": both(
        grew("vital_rag_retrievals_total", 2, status="error"),
        grew("vital_warnings_total", warning="no_sources"),
    ),
    "pool_exhaustion": lambda _, now: (
        now.total("db_connection_pool_checked_out") >= now.total("db_connection_pool_size")
        and now.total("db_connection_pool_overflow") > 0
    ),
    "database_failures": both(
        grew("db_connection_errors_total"),
        grew("db_circuit_breaker_failures_total", failure_type="database"),
        lambda _, now: now.total("db_circuit_breaker_state", failure_type="database") == 1,
    ),
    "query_errors": grew("db_query_errors_total"),
    "model_backlog": lambda _, now: now.total("model_queue_length") > 50,
    "model_errors": both(
        grew("model_errors_total"),
        grew("model_fallback_total", 3),
        lambda _, now: now.total("db_circuit_breaker_state", failure_type="llm") >= 1,
    ),
    "accuracy_drop": lambda _, now: (
        "model_accuracy_score" in now.names() and now.total("model_accuracy_score") < 0.5
    ),
    "alias_failure": grew("collection_alias_errors_total", operation="switch"),
    "payload_index_failure": grew("payload_indexing_errors_total", operation="create"),
    "security_burst": both(
        grew("security_events_total", risk="high"),
        grew("authentication_failures_total", 4, reason="invalid_credentials"),
    ),
    "hdc_errors": grew("hdc_operation_errors_total", 2),
    "hdc_slow": mean_above("hdc_operation_duration_seconds", 0.1, operation="bundle"),
    "load_drift": lambda _, now: (
        "db_load_prediction_accuracy" in now.names() and now.total("db_load_prediction_accuracy") < 0.7
    ),
    "affinity_loss": grew("db_connection_affinity_misses_total", 10),
}


@pytest.fixture(scope="module")
def numbers() -> count[int]:
    return count()


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_fault_shows_while_it_is_on_and_is_gone_when_it_ends(
    name: str, running: Running, numbers: count[int], poll: Poll
) -> None:
    before = running.scrape()
    begun = running.client.post(f"/demo/faults/{name}?seconds=90")
    assert begun.status_code == 200, begun.text
    poll(lambda: f"the fault {name} begins" in running.log.read_text(), f"{name} is done")

    def shows() -> bool:
        number = next(numbers)
        for mode in MODES:
            running.ask(f"How do I fix recall in case {number}?", mode)
        return SHOWN[name](before, running.scrape())

    poll(shows, f"{name} shows", 60)
    assert running.client.delete(f"/demo/faults/{name}").status_code == 204
    assert name not in running.client.get("/demo/faults").json()["on"]
    poll(lambda: f"the fault {name} has ended" in running.log.read_text(), f"{name} is undone")


def test_the_breakers_close_again_and_answers_are_whole(
    running: Running, numbers: count[int], poll: Poll
) -> None:
    def is_whole() -> bool:
        answer = running.answer(f"What is a snapshot in case {next(numbers)}?")
        return not answer["degraded"] and running.scrape().total("db_circuit_breaker_state") == 0

    poll(is_whole, "all is well again")
    assert running.scrape().total("db_circuit_breaker_recoveries_total") >= 2


def test_every_fault_has_its_sign() -> None:
    assert SHOWN.keys() == KNOWN.keys()


def test_what_is_no_fault_is_told(running: Running) -> None:
    answer = running.client.post("/demo/faults/earthquake")
    assert answer.status_code == 404
    assert "no fault is called `earthquake`; there are accuracy_drop" in answer.json()["detail"]
    assert running.client.post("/demo/faults/slow_llm?seconds=0").status_code == 422
    assert running.client.delete("/demo/faults/earthquake").status_code == 404

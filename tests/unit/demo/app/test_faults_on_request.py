"""Each fault, begun at a service that runs, shows in the metric that its alert looks at; and ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

import pytest

from vectorwatch.demo.app.faults import KNOWN

from .conftest import Running, Scrape

pytestmark = pytest.mark.slow

Shown = Callable[[Scrape, Scrape], bool]
Poll = Callable[..., None]

DEADLINE_SECONDS = 240.0
DOLLARS_PER_CALL = 0.001
"""Four times what a call costs in health; one that writes 20 times as much costs more."""


def grew(name: str, by: float = 0, **labels: str) -> Shown:
    return lambda before, now: now.total(name, **labels) - before.total(name, **labels) > by


def mean_above(histogram: str, limit: float, **labels: str) -> Shown:
    return lambda before, now: _mean(before, now, histogram, labels) > limit


def mean_below(histogram: str, limit: float) -> Shown:
    return lambda before, now: 0 < _mean(before, now, histogram, {}) < limit


def _find(scrape: Scrape, name: str, **labels: str) -> float:
    """Return the value of a gauge, -1 where there is none."""
    return scrape.total(name, **labels) if name in scrape.names() else -1.0


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


def cost_per_call_above(dollars: float) -> Shown:
    def shown(before: Scrape, now: Scrape) -> bool:
        calls = [one.total("vital_llm_api_calls_total", cached="false") for one in (before, now)]
        cost = [one.total("vital_estimated_cost_dollars_total", component="llm") for one in (before, now)]
        return calls[1] > calls[0] and (cost[1] - cost[0]) / (calls[1] - calls[0]) > dollars

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
    "cost_spike": cost_per_call_above(DOLLARS_PER_CALL),
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
    "tool_failures": share_above(
        "vital_tool_executions_total", "vital_tool_executions_total", 0.25, status="error"
    ),
    "rag_failures": both(
        grew("vital_rag_retrievals_total", 2, status="error"),
        grew("vital_warnings_total", warning="no_sources"),
    ),
    "pool_exhaustion": lambda _, now: (
        now.total("db_connection_pool_checked_out")
        >= now.total("db_connection_pool_size") + now.total("db_connection_pool_max_overflow")
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
    "accuracy_drop": lambda _, now: 0 <= _find(now, "model_accuracy_score") < 0.5,
    "alias_failure": grew("collection_alias_errors_total", operation="switch"),
    "payload_index_failure": grew("payload_indexing_errors_total", operation="create"),
    "security_burst": both(
        grew("security_events_total", risk="high"),
        grew("authentication_failures_total", 4, reason="invalid_credentials"),
    ),
    "hdc_errors": grew("hdc_operation_errors_total", 2),
    "hdc_slow": mean_above("hdc_operation_duration_seconds", 0.1, operation="bundle"),
    "affinity_loss": lambda _, now: (
        0 <= _find(now, "db_connection_affinity_performance_score", query_type="start_session") < 0.2
    ),
}


SHOWN_ELSEWHERE = {"load_drift"}
"""Loads that vary spoil predictions without a fault too: test_sabotage.py shows it, with a steady one."""

STATES = {"accuracy_drop", "affinity_loss", "cache_evictions", "model_backlog", "pool_exhaustion"}
"""Shown by a gauge: it must go back when the fault has ended."""


@pytest.fixture(scope="module")
def numbers() -> count[int]:
    return count()


def begin(name: str, service: Running, poll: Poll) -> None:
    times = service.log.read_text().count(f"the fault {name} begins")
    begun = service.client.post(f"/demo/faults/{name}?seconds=600")
    assert begun.status_code == 200, begun.text
    poll(lambda: service.log.read_text().count(f"the fault {name} begins") > times, f"{name} is done")


def end(name: str, service: Running, poll: Poll) -> None:
    times = service.log.read_text().count(f"the fault {name} has ended")
    assert service.client.delete(f"/demo/faults/{name}").status_code == 204
    assert name not in service.client.get("/demo/faults").json()["on"]
    poll(lambda: service.log.read_text().count(f"the fault {name} has ended") > times, f"{name} is undone")


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_fault_shows_while_it_is_on_and_ends_when_told(
    name: str, broken: Running, numbers: count[int], poll: Poll
) -> None:
    begin(name, broken, poll)
    # Of the time of the fault alone, so that no figure from before weighs in the means and shares.
    before = broken.scrape()
    kept = next(numbers)

    def shows() -> bool:
        # An answer to a question asked before shows whether the cache is missed.
        number = kept if name == "cache_misses" else next(numbers)
        broken.ask_in_every_mode(f"How do I fix recall in case {number}?")
        return SHOWN[name](before, broken.scrape())

    poll(shows, f"{name} shows", DEADLINE_SECONDS)
    end(name, broken, poll)
    if name in STATES:
        poll(lambda: not shows(), f"{name} shows no longer", DEADLINE_SECONDS)


def test_the_breakers_close_again_and_answers_are_whole(
    broken: Running, numbers: count[int], poll: Poll
) -> None:
    before = broken.scrape()
    faults = {"database_failures": "database", "model_errors": "llm"}

    def ask() -> Scrape:
        broken.ask_in_every_mode(f"What is a snapshot in case {next(numbers)}?")
        return broken.scrape()

    for fault, breaker in faults.items():
        begin(fault, broken, poll)
        poll(lambda: ask().total("db_circuit_breaker_state", failure_type=breaker) == 1, "open")  # noqa: B023
        end(fault, broken, poll)

    def is_whole() -> bool:
        answer = broken.answer(f"What is a snapshot in case {next(numbers)}?")
        return not answer["degraded"] and broken.scrape().total("db_circuit_breaker_state") == 0

    poll(is_whole, "all is well again", DEADLINE_SECONDS)
    for breaker in faults.values():
        recovered = grew("db_circuit_breaker_recoveries_total", failure_type=breaker)
        assert recovered(before, broken.scrape()), breaker


def test_every_fault_has_its_sign() -> None:
    assert SHOWN.keys() | SHOWN_ELSEWHERE == KNOWN.keys()


def test_what_is_no_fault_is_told(broken: Running) -> None:
    answer = broken.client.post("/demo/faults/earthquake")
    assert answer.status_code == 404
    assert "no fault is called `earthquake`; there are accuracy_drop" in answer.json()["detail"]
    assert broken.client.post("/demo/faults/slow_llm?seconds=0").status_code == 422
    assert broken.client.delete("/demo/faults/earthquake").status_code == 404

"""The circuit breaker before a database."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Gauge

from .limits import names

_FAILURE_TYPES = names()
_VALUES = {"closed": 0, "open": 1, "half_open": 2}
STATE = Gauge(
    "db_circuit_breaker_state",
    "0 closed, 1 open (calls are refused), 2 half-open (one call tries).",
    {"failure_type": _FAILURE_TYPES},
)
FAILURES = Counter(
    "db_circuit_breaker_failures_total",
    "Failures that the breaker counted.",
    {"failure_type": _FAILURE_TYPES},
)
RECOVERIES = Counter(
    "db_circuit_breaker_recoveries_total",
    "Times that the breaker closed again.",
    {"failure_type": _FAILURE_TYPES},
)


def circuit_breaker_state(failure_type: str, state: str) -> None:
    """Set the state: closed, open or half_open; raise ValueError for another."""
    if state not in _VALUES:
        raise ValueError(f"circuit breaker state `{state}`: {', '.join(_VALUES)} are known")
    STATE.set(_VALUES[state], failure_type)


def circuit_breaker_failure(failure_type: str) -> None:
    """Count a failure."""
    FAILURES.inc(failure_type)


def circuit_breaker_recovery(failure_type: str) -> None:
    """Count that the breaker closed again."""
    RECOVERIES.inc(failure_type)

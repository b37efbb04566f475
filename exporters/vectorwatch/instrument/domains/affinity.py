"""Connection affinity: queries of one type go to connections that have served that type."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Gauge

from .limits import names

_QUERY_TYPES = names()
HITS = Counter(
    "db_connection_affinity_hits_total",
    "Queries that got a connection of their type.",
    {"query_type": _QUERY_TYPES},
)
MISSES = Counter(
    "db_connection_affinity_misses_total",
    "Queries that got another connection.",
    {"query_type": _QUERY_TYPES},
)
SCORE = Gauge(
    "db_connection_affinity_performance_score",
    "How well affinity works, 0 to 1, as the application rates it.",
    {"query_type": _QUERY_TYPES},
)
GAIN = Gauge(
    "db_connection_affinity_performance_gain_percent",
    "Time that affinity saves, in percent; the unit of the requirement.",
    {"query_type": _QUERY_TYPES},
)


def connection_affinity(query_type: str, *, hit: bool) -> None:
    """Count one choice of a connection."""
    (HITS if hit else MISSES).inc(query_type)


def connection_affinity_performance(
    query_type: str, *, score: float | None = None, gain_percent: float | None = None
) -> None:
    """Set the score (0 to 1) and the gain; what is left out stays as it was."""
    if score is not None:
        SCORE.set(score, query_type)
    if gain_percent is not None:
        GAIN.set(gain_percent, query_type)

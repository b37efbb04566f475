"""HyDE: hypothetical documents, generated to search with, and their cache."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Histogram
from vectorwatch.instrument.operation import Operation, status_of

CACHE_REQUESTS = Counter("hyde_cache_requests_total", "Look-ups in the cache of hypothetical documents.")
CACHE_HITS = Counter("hyde_cache_hits_total", "Look-ups that found a document.")
CACHE_MISSES = Counter("hyde_cache_misses_total", "Look-ups that found none, so that one was generated.")
GENERATION_DURATION = Histogram(
    "hyde_generation_duration_seconds",
    "Time to generate a hypothetical document; failures too, cancelled ones not.",
)


def hyde_cache(*, hit: bool) -> None:
    """Record one look-up in the cache."""
    CACHE_REQUESTS.inc()
    (CACHE_HITS if hit else CACHE_MISSES).inc()


class hyde_generation(Operation):  # noqa: N801 - read as a verb: `with track.hyde_generation():`
    """Time one generation."""

    __slots__ = ()
    span_name = "hyde.generate"

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration."""
        if status_of(error) != "cancelled":
            GENERATION_DURATION.observe(seconds)

"""The cache of answers of a workflow: what happens in it, and how full it is."""

from __future__ import annotations

from collections.abc import Mapping

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import Counter, Gauge, Histogram

from .limits import MODES

OPERATIONS = Counter(
    "vital_cache_operations_total",
    "What happened in the cache: hit, miss, write, evict, invalidate.",
    {"operation": one_of("hit", "miss", "write", "evict", "invalidate"), "mode": MODES},
)
ENTRY_AGE = Histogram(
    "vital_cache_entry_age_seconds",
    "Age of an entry when it was found, evicted or invalidated.",
    {"mode": MODES},
    buckets=(1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400),
)
HIT_RATE = Gauge(
    "vital_cache_hit_rate", "Hits by look-ups, 0 to 1, as the cache itself reports.", {"mode": MODES}
)
ENTRIES = Gauge("vital_cache_size_entries", "Entries in the cache.")
MEMORY = Gauge("vital_cache_memory_bytes", "Memory that the cache takes.")
CAPACITY = Gauge("vital_cache_capacity_entries", "Entries that the cache may hold before it evicts.")


def cache_operation(operation: str, mode: str, entry_age_seconds: float | None = None) -> None:
    """Count one hit, miss, write, evict or invalidate; and how old the entry was, where it is known."""
    OPERATIONS.inc(operation, mode)
    if entry_age_seconds is not None:
        ENTRY_AGE.observe(entry_age_seconds, mode)


def cache_state(
    *,
    entries: int | None = None,
    memory_bytes: int | None = None,
    capacity_entries: int | None = None,
    hit_rate_by_mode: Mapping[str, float] | None = None,
) -> None:
    """Set how full the cache is and how well it hits (0 to 1); what is left out stays as it was."""
    if entries is not None:
        ENTRIES.set(entries)
    if memory_bytes is not None:
        MEMORY.set(memory_bytes)
    if capacity_entries is not None:
        CAPACITY.set(capacity_entries)
    for mode, rate in (hit_rate_by_mode or {}).items():
        HIT_RATE.set(rate, mode)

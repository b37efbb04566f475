"""What operations cost and what the cache saved, in US dollars; shared by the domains that know a price."""

from __future__ import annotations

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import Counter

from .limits import MODES, TENANTS

_LABELS = {"component": one_of("llm", "tool", "rag"), "mode": MODES, "tenant_id": TENANTS}
COST = Counter(
    "vital_estimated_cost_dollars_total",
    "Estimated cost in US dollars: tokens by the price table, tools and retrievals as the application says.",
    _LABELS,
)
SAVED = Counter(
    "vital_cache_cost_saved_dollars_total",
    "Estimated cost in US dollars that answers from the cache did not cause.",
    _LABELS,
)

"""Retrievals: how they end, what they find, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.instrument import track

LABELS = {"mode": "chat", "source_type": "qdrant"}


def test_a_retrieval_is_counted_and_timed_with_what_it_found(readings: Any) -> None:
    with track.rag_retrieval("chat", "qdrant") as retrieval:
        retrieval.documents(7)
    assert readings.added("vital_rag_retrievals_total", **LABELS, status="success") == 1
    assert readings.added("vital_rag_retrieval_duration_seconds_count", **LABELS) == 1
    assert readings.added("vital_rag_documents_retrieved_sum", **LABELS) == 7


def test_to_find_nothing_is_an_observation_and_to_say_nothing_is_none(readings: Any) -> None:
    with track.rag_retrieval("chat", "qdrant") as retrieval:
        retrieval.documents(0)
    with track.rag_retrieval("chat", "qdrant"):
        pass
    assert readings.added("vital_rag_documents_retrieved_count", **LABELS) == 1
    assert readings.added("vital_rag_documents_retrieved_bucket", **LABELS, le="0.0") == 1


def test_a_failure_costs_nothing(readings: Any) -> None:
    with pytest.raises(OSError, match="x"), track.rag_retrieval("chat", "qdrant", cost_dollars=1):
        raise OSError("x")
    with track.rag_retrieval("chat", "qdrant", cost_dollars=0.25, tenant_id="acme"):
        pass
    assert readings.added("vital_rag_retrievals_total", **LABELS, status="error") == 1
    cost = "vital_estimated_cost_dollars_total"
    assert readings.added(cost, component="rag", mode="chat", tenant_id="acme") == 0.25
    assert readings.grown(cost) == {cost: 0.25}


def test_the_span_says_where_and_how_many(spans: Callable[[], list[Any]]) -> None:
    with track.rag_retrieval("chat", "qdrant") as retrieval:
        retrieval.documents(7)
    attributes = dict(spans()[0].attributes)
    assert attributes["rag.documents"] == 7
    assert attributes["gen_ai.operation.name"] == "retrieval"

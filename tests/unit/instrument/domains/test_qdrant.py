"""Qdrant at the client: names that no server series has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.instrument import track


def test_a_search_is_timed_and_counted_by_collection_and_type(readings: Any) -> None:
    with track.qdrant_search("docs", "query"):
        pass
    with pytest.raises(OSError, match="refused"), track.qdrant_search("docs", "query"):
        raise OSError("refused")
    labels = {"collection": "docs", "search_type": "query"}
    assert readings.added("qdrant_client_search_requests_total", **labels, status="success") == 1
    assert readings.added("qdrant_client_search_requests_total", **labels, status="error") == 1
    assert readings.added("qdrant_client_search_duration_seconds_count", **labels) == 2


def test_a_change_of_an_index_is_counted(readings: Any) -> None:
    with track.qdrant_index("upsert", "docs"):
        pass
    labels = {"operation": "upsert", "collection": "docs", "status": "success"}
    assert readings.added("qdrant_client_index_operations_total", **labels) == 1


def test_nothing_bears_the_name_of_a_series_that_the_server_gives(readings: Any) -> None:
    with track.qdrant_search("docs", "query"), track.qdrant_index("upsert", "docs"):
        pass
    grown = readings.grown("qdrant_")
    assert grown
    assert all(name.startswith("qdrant_client_") for name in grown)


def test_thresholds_of_the_requirements_are_bounds_of_the_histogram(readings: Any) -> None:
    with track.qdrant_search("docs", "query"):
        pass
    for bound in ("0.005", "0.01", "0.05", "0.2", "2.0"):
        labels = {"collection": "docs", "search_type": "query", "le": bound}
        assert readings.value("qdrant_client_search_duration_seconds_bucket", **labels) is not None


def test_the_spans_say_which_system_operation_and_collection(spans: Callable[[], list[Any]]) -> None:
    with track.qdrant_search("docs", "query"), track.qdrant_index("upsert", "docs"):
        pass
    index, search = (dict(span.attributes) for span in spans())
    assert search == {
        "db.system.name": "qdrant",
        "db.operation.name": "query",
        "db.collection.name": "docs",
    }
    assert index["db.operation.name"] == "upsert"

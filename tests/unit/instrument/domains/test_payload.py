"""Payload indexes: durations and errors."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import track


def test_an_operation_is_timed_by_field_type(readings: Any) -> None:
    with track.payload_indexing("create", "keyword"):
        pass
    labels = {"operation": "create", "field_type": "keyword"}
    assert readings.added("payload_indexing_duration_seconds_count", **labels) == 1
    assert readings.grown("payload_indexing_errors") == {}


def test_an_error_is_counted_by_its_class(readings: Any) -> None:
    with pytest.raises(ConnectionError), track.payload_indexing("create", "keyword"):
        raise ConnectionError
    labels = {"operation": "create", "error_type": "ConnectionError"}
    assert readings.added("payload_indexing_errors_total", **labels) == 1


def test_thresholds_of_the_requirements_are_bounds_of_the_histogram(readings: Any) -> None:
    with track.payload_indexing("query", "keyword"):
        pass
    for bound in ("0.01", "0.1"):
        labels = {"operation": "query", "field_type": "keyword", "le": bound}
        assert readings.value("payload_indexing_duration_seconds_bucket", **labels) is not None

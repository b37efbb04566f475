"""Hyperdimensional computing: operations, batches, resources."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import track

WHERE = {"operation": "bundle", "device": "cuda:0"}


def test_an_operation_counts_once_and_its_hypervectors_by_their_number(readings: Any) -> None:
    with track.hdc_operation("bundle", "cuda:0", batch_size=64):
        pass
    assert readings.added("hdc_operation_total", **WHERE, status="success") == 1
    assert readings.added("hdc_hypervector_operations_total", **WHERE) == 64
    assert readings.added("hdc_operation_duration_seconds_count", **WHERE) == 1
    assert readings.added("hdc_batch_size_distribution_sum", operation="bundle") == 64


def test_a_failure_has_done_no_hypervectors(readings: Any) -> None:
    with pytest.raises(MemoryError), track.hdc_operation("bundle", "cuda:0", batch_size=64):
        raise MemoryError
    assert readings.added("hdc_operation_total", **WHERE, status="error") == 1
    assert readings.added("hdc_operation_errors_total", operation="bundle", error_type="MemoryError") == 1
    assert readings.added("hdc_hypervector_operations_total", **WHERE) == 0


def test_thresholds_of_the_requirements_are_bounds_of_the_histogram(readings: Any) -> None:
    with track.hdc_operation("bundle", "cuda:0"):
        pass
    for bound in ("0.01", "0.05", "0.1"):
        assert readings.value("hdc_operation_duration_seconds_bucket", **WHERE, le=bound) is not None


def test_resources_are_shown_by_component_and_device(readings: Any) -> None:
    track.hdc_resources(
        memory_bytes_by_component={"storage": 8_000}, cpu_percent=35.5,
        gpu_memory_bytes_by_device={"cuda:0": 512}, gpu_percent_by_device={"cuda:0": 19},
    )  # fmt: skip
    track.hdc_active_hypervectors(12)
    assert readings.value("hdc_memory_usage_bytes", component="storage") == 8_000
    assert readings.value("hdc_cpu_usage_percent") == 35.5
    assert readings.value("hdc_gpu_memory_usage_bytes", device="cuda:0") == 512
    assert readings.value("hdc_gpu_utilization_percent", device="cuda:0") == 19
    assert readings.value("hdc_active_hypervectors") == 12

"""Models: inference, loading, queue, errors, memory."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import track


def test_an_inference_is_timed(readings: Any) -> None:
    with track.model_inference("yolov10n"):
        pass
    assert readings.added("model_inference_duration_seconds_count", model_name="yolov10n") == 1
    assert readings.value("model_inference_duration_seconds_bucket", model_name="yolov10n", le="0.1")


def test_an_error_of_an_inference_or_a_loading_is_counted_by_class(readings: Any) -> None:
    with pytest.raises(MemoryError), track.model_load("adaface"):
        raise MemoryError
    with pytest.raises(ValueError, match="x"), track.model_inference("adaface"):
        raise ValueError("x")
    for error_type in ("MemoryError", "ValueError"):
        assert readings.added("model_errors_total", model_name="adaface", error_type=error_type) == 1
    assert readings.added("model_load_duration_seconds_count", model_name="adaface") == 1


def test_a_timeout_is_a_timeout_and_no_error(readings: Any) -> None:
    with pytest.raises(TimeoutError), track.model_inference("adaface"):
        raise TimeoutError
    track.model_timeout("adaface")
    assert readings.added("model_timeout_total", model_name="adaface") == 2
    assert readings.grown("model_errors") == {}


def test_queue_fallback_accuracy_and_memory_are_shown(readings: Any) -> None:
    track.model_queue("m1", length=51, wait_seconds=4.9)
    track.model_fallback("m1")
    track.model_error("m1", "VRAMError")
    track.model_accuracy("m1", 0.96)
    track.model_memory("m1", 2_500_000_000)
    track.model_vram("cuda:0", allocated_bytes=6, available_bytes=2)
    assert readings.value("model_queue_length", model_name="m1") == 51
    assert readings.added("model_queue_wait_seconds_bucket", model_name="m1", le="5.0") == 1
    assert readings.added("model_fallback_total", model_name="m1") == 1
    assert readings.added("model_errors_total", model_name="m1", error_type="VRAMError") == 1
    assert readings.value("model_accuracy_score", model_name="m1") == 0.96
    assert readings.value("model_memory_usage_bytes", model_name="m1") == 2_500_000_000
    assert readings.value("model_vram_allocated_bytes", device="cuda:0") == 6
    assert readings.value("model_vram_available_bytes", device="cuda:0") == 2


def test_a_load_longer_than_the_aim_can_be_told_from_the_aim(readings: Any) -> None:
    with track.model_load("m1"):
        pass
    for bound in ("30.0", "60.0"):
        assert readings.value("model_load_duration_seconds_bucket", model_name="m1", le=bound) is not None

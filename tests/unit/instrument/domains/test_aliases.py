"""Aliases: how their changes end, and how long they take."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import track


def test_a_change_is_counted_and_timed(readings: Any) -> None:
    with track.alias_operation("switch"):
        pass
    assert readings.grown("collection_alias") == {
        "collection_alias_operations_total": 1,
        "collection_alias_duration_seconds_count": 1,
    }


def test_a_failure_is_an_operation_and_an_error(readings: Any) -> None:
    with pytest.raises(LookupError), track.alias_operation("switch"):
        raise LookupError
    assert readings.added("collection_alias_operations_total", operation="switch", status="error") == 1
    assert readings.added("collection_alias_errors_total", operation="switch", error_type="LookupError") == 1


def test_what_takes_longer_than_the_alert_allows_can_be_told_from_the_alert(readings: Any) -> None:
    with track.alias_operation("switch"):
        pass
    for bound in ("5.0", "30.0", "60.0"):
        name = "collection_alias_duration_seconds_bucket"
        assert readings.value(name, operation="switch", le=bound) is not None

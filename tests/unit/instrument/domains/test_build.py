"""Build information."""

from __future__ import annotations

from typing import Any

from vectorwatch.instrument import track


def test_what_runs_stands_in_the_labels(readings: Any) -> None:
    track.build_info("1.2.3", "abc123def", "production")
    labels = {"version": "1.2.3", "commit": "abc123def", "environment": "production"}
    assert readings.value("vital_build_info", **labels) == 1


def test_a_version_that_looks_like_an_address_is_one(readings: Any) -> None:
    track.build_info("1.2.3.4", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "staging")
    labels = {"version": "1.2.3.4", "commit": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}
    assert readings.value("vital_build_info", **labels, environment="staging") == 1

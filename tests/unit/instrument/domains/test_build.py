"""Build information."""

from __future__ import annotations

from typing import Any

from vectorwatch.instrument import track


def test_what_runs_stands_in_the_labels(readings: Any) -> None:
    track.build_info("1.2.3", "abc123def", "production")
    labels = {"version": "1.2.3", "commit": "abc123def", "environment": "production"}
    assert readings.value("vital_build_info", **labels) == 1

"""Pools of the application: size and use."""

from __future__ import annotations

from typing import Any

from vectorwatch.instrument import track


def test_size_and_use_are_shown_by_type(readings: Any) -> None:
    track.connection_pool("http", size=100, active=15)
    track.connection_pool("http", active=16)
    assert readings.value("vital_connection_pool_size", pool_type="http") == 100
    assert readings.value("vital_active_connections", pool_type="http") == 16

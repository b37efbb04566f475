"""Tools: runs, durations, costs."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import track


def test_a_run_is_counted_and_timed(readings: Any) -> None:
    with track.tool("calculator"):
        pass
    with pytest.raises(ZeroDivisionError), track.tool("calculator"):
        raise ZeroDivisionError
    assert readings.added("vital_tool_executions_total", tool_name="calculator", status="success") == 1
    assert readings.added("vital_tool_executions_total", tool_name="calculator", status="error") == 1
    assert readings.added("vital_tool_duration_seconds_count", tool_name="calculator") == 2


def test_what_a_run_costs_is_added_unless_it_fails(readings: Any) -> None:
    with track.tool("web_search", cost_dollars=0.005, mode="chat", tenant_id="acme"):
        pass
    with pytest.raises(OSError, match="x"), track.tool("web_search", cost_dollars=0.005, mode="chat"):
        raise OSError("x")
    with track.tool("web_search", mode="chat", tenant_id="acme") as run:
        run.cost_dollars = 0.01
    cost = "vital_estimated_cost_dollars_total"
    assert readings.added(cost, component="tool", mode="chat", tenant_id="acme") == pytest.approx(0.015)
    assert readings.added(cost, component="tool", mode="chat", tenant_id="") == 0

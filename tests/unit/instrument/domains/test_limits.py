"""Limits of labels: their defaults, and what sets them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vectorwatch.instrument import SetupError
from vectorwatch.instrument.domains import limits


def test_the_environment_sets_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.read_limit("TENANTS") == 200
    monkeypatch.setenv("VECTORWATCH_INSTRUMENT_MAX_TENANTS", " 5 ")
    assert limits.read_limit("TENANTS") == 5


@pytest.mark.parametrize("text", ["0", "-3", "many", "1.5", "٣"])
def test_a_limit_that_is_no_number_above_0_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("VECTORWATCH_INSTRUMENT_MAX_TENANTS", text)
    with pytest.raises(SetupError, match=r"^VECTORWATCH_INSTRUMENT_MAX_TENANTS=.*such as 200$"):
        limits.read_limit("TENANTS")


def test_tenants_beyond_the_limit_become_other_in_every_metric() -> None:
    program = (
        "from vectorwatch.instrument import track; import prometheus_client\n"
        "for number in range(9): track.tenant_query(f'tenant-{number}')\n"
        "with track.llm_call('gpt-4o-mini', tenant_id='tenant-8') as call: call.tokens(input=1)\n"
        "print(prometheus_client.generate_latest().decode())"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={"VECTORWATCH_INSTRUMENT_MAX_TENANTS": "3"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 'vital_queries_per_tenant_total{tenant_id="tenant-2"} 1.0' in output
    assert 'vital_queries_per_tenant_total{tenant_id="other"} 6.0' in output
    assert 'vital_estimated_cost_dollars_total{component="llm",mode="",tenant_id="other"}' in output
    assert "tenant-8" not in output

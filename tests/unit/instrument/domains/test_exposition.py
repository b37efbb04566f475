"""All that the domains emit, after each name of `track` was used, of one process and of several workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vectorwatch.catalogue import application_metrics

# The requirements give this name.
ALLOWED = "vital_workflow_duration_summary metric name should not include type 'summary'\n"


def use_every_name(**environment: str) -> str:
    program = Path(__file__).with_name("every_name.py")
    return subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def missing_from(exposition: str) -> set[str]:
    """Return the metrics of the domains that do not have each of their series in the exposition."""
    shown = {line.split("{")[0].split(" ")[0] for line in exposition.splitlines() if line[:1] != "#"}
    return {
        entry.name for entry in application_metrics() if entry.emitter and not shown.issuperset(entry.series)
    }


def test_promtool_finds_nothing_to_mend_and_each_metric_is_there(promtool: str) -> None:
    exposition = use_every_name()
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )
    assert checked.stdout + checked.stderr == ALLOWED
    assert missing_from(exposition) == set()


def test_workers_that_share_a_folder_show_each_metric_once(tmp_path: Path) -> None:
    first = use_every_name(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    both = use_every_name(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert missing_from(both) == set()
    line = 'vital_queries_per_tenant_total{tenant_id="acme"} '
    assert line + "3.0" in first
    assert line + "6.0" in both
    assert 'db_connection_pool_size{pool="default"} 10.0' in both
    assert "daily_active_users 1.0" in both

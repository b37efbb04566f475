"""All that the domains emit, looked at by promtool, after each name of `track` was used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vectorwatch.catalogue import application_metrics

# The requirements give this name.
ALLOWED = "vital_workflow_duration_summary metric name should not include type 'summary'\n"


def test_promtool_finds_nothing_to_mend(promtool: str) -> None:
    program = Path(__file__).with_name("every_name.py")
    exposition = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True
    ).stdout
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )
    assert checked.stdout + checked.stderr == ALLOWED
    shown = {line.split("{")[0].split(" ")[0] for line in exposition.splitlines() if line[:1] != "#"}
    missing = {
        entry.name for entry in application_metrics() if entry.emitter and not shown.issuperset(entry.series)
    }
    assert missing == {"vectorwatch_instrument_users_not_counted_total"} - shown

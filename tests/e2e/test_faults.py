"""Two of the faults of `make faults` that fire and end soon, through the same runner."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from vectorwatch.demo.repository import find_repository

FAST = ("qdrant-frozen", "app-killed")
# What a trial may take by its own bounds, and as much again for the start of a demo on a busy machine.
DEADLINE_SECONDS = 900


def run_faults(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments],
        capture_output=True,
        text=True,
        cwd=find_repository(),
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_fast_faults_fire_what_they_must_and_end() -> None:
    done = run_faults([*FAST, "--at-once", str(len(FAST))])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all as it should be" in done.stdout


def test_an_unknown_fault_is_named() -> None:
    done = run_faults(["cache-klled"])
    assert done.returncode != 0
    assert "no fault is called `cache-klled`" in done.stderr

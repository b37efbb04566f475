"""`scripts/check-gpu` against the stand-in: all of it but the load, which needs a card."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[4] / "scripts" / "check-gpu"


@pytest.fixture
def check(scenario: Any) -> Any:
    def start(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "LD_LIBRARY_PATH": str(folder), "PYTHON": sys.executable}
        command = [str(SCRIPT), "--seconds", "1", *options]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)

    return start


def test_it_prints_series_absent_metrics_and_counters(check: Any, stand_in: Path, scenario: Any) -> None:
    scenario.play("l40s").set({"gpu0 nvmlDeviceGetViolationStatus 0": "1 204642816000"})
    result = check(stand_in.parent)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "NVIDIA L40S, driver 595.80, NVML 13.595.80"
    assert any(line.startswith("scrapes idle: median ") and line.endswith("gpu_up 1") for line in lines)
    absent = lines[lines.index("== metrics that this card and driver do not have") :]
    assert "gpu_memory_temperature_celsius" in absent
    assert "gpu_temperature_celsius" not in absent
    assert any(line.startswith('gpu_power_watts{uuid="GPU-') for line in lines)
    assert any(line.startswith("field  74 sw_power_cap: 204642816000 -> 204642816000") for line in lines)
    assert any(line.startswith("nvmlDeviceGetViolationStatus power: -> 204642816000") for line in lines)
    assert lines[-1].startswith("unit of field 74: undecided")


def test_without_a_driver_it_says_so_in_one_line(check: Any, tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").touch()
    result = check(tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("check-gpu: no NVIDIA driver: `libnvidia-ml.so.1` cannot be loaded;")


def test_a_python_without_the_packages_is_told_which(tmp_path: Path) -> None:
    # -I -S: the interpreter alone, without what is installed here.
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    result = subprocess.run(
        [str(SCRIPT)], env={**os.environ, "PYTHON": str(bare)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "lacks aiohttp click" in result.stderr

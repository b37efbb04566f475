"""`make validate-rules` passes here, and fails with the tool's own words when something is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def validate(root: Path, tools: Mapping[str, Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(root / "scripts" / "validate-rules")],
        env={
            **os.environ,
            "PROMTOOL": str(tools["promtool"]),
            "AMTOOL": str(tools["amtool"]),
            "PYTHON": sys.executable,
        },
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """A copy that a test may break; one short file of rule tests stands for all."""
    for folder in ("prometheus", "alertmanager", "scripts"):
        shutil.copytree(repository / folder, tmp_path / folder)
    for path in (tmp_path / "prometheus" / "tests").glob("*_test.yml"):
        if path.name != "gpu_test.yml":
            path.unlink()
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_repository_is_valid(tools: Mapping[str, Path], repository: Path) -> None:
    result = validate(repository, tools)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAIL" not in result.stdout
    steps = result.stdout.splitlines()
    assert sum("rule tests" in step for step in steps) == len(
        list((repository / "prometheus/tests").glob("*"))
    )
    assert sum("route of" in step for step in steps) > 5


@pytest.mark.parametrize(
    ("file", "old", "new", "failing_step", "words"),
    [
        (
            "prometheus/prometheus.yml",
            "scrape_timeout: 10s",
            "scrape_timeout: 20s",
            "Prometheus config",
            "timeout",
        ),
        ("prometheus/rules/gpu.yml", "100 * gpu", "100 ** gpu", "Prometheus rules", "parse error"),
        ("prometheus/rules/gpu.yml", "100 * gpu", "10 * gpu", "rule tests gpu_test.yml", "exp:"),
        ("alertmanager/alertmanager.yml", "receiver: slack", "receiver: slak", "Alertmanager config", "slak"),
        ("alertmanager/tests/routes.yml", "[slack, email, webhook]", "[slack]", "route of", "WARNING"),
    ],
    ids=["configuration", "syntax of a rule", "value of a rule", "receiver", "route"],
)
def test_a_fault_fails_its_step_and_shows_what_the_tool_says(
    checkout: Path,
    tools: Mapping[str, Path],
    file: str,
    old: str,
    new: str,
    failing_step: str,
    words: str,
) -> None:
    replace(checkout / file, old, new)
    result = validate(checkout, tools)
    assert result.returncode == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert any(failing_step in line for line in failed), result.stdout
    assert words in result.stdout


def test_an_unreadable_table_of_routes_is_not_taken_for_an_empty_one(
    checkout: Path, tools: Mapping[str, Path]
) -> None:
    (checkout / "alertmanager" / "tests" / "routes.yml").write_text("- labels: [", encoding="utf-8")
    assert validate(checkout, tools).returncode == 1

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
        timeout=900,
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


def test_each_step_of_a_sound_checkout_is_told(checkout: Path, tools: Mapping[str, Path]) -> None:
    gpu = checkout / "prometheus" / "tests" / "gpu_test.yml"
    shutil.copy(gpu, gpu.with_name("second_test.yml"))
    result = validate(checkout, tools)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAIL" not in result.stdout
    steps = result.stdout.splitlines()
    told = sorted(step for step in steps if "rule tests" in step)
    assert told == ["ok    rule tests gpu_test.yml", "ok    rule tests second_test.yml"]
    assert sum("route of" in step for step in steps) > 5
    assert sum("template in" in step for step in steps) > 30


def test_no_file_of_rule_tests_has_a_name_that_the_script_passes_over(repository: Path) -> None:
    folder = repository / "prometheus" / "tests"
    assert {*folder.glob("*_test.yml")} == {*folder.iterdir()}


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
        (
            "alertmanager/alertmanager.yml",
            "receiver: slack-info",
            "receiver: slak",
            "Alertmanager config",
            "slak",
        ),
        (
            "alertmanager/tests/routes.yml",
            "[log, pager, webhook, slack-on-call, email]",
            "[log]",
            "route of",
            "WARNING",
        ),
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


def test_a_mistake_in_the_users_thresholds_fails_and_so_does_a_rule_that_comes_of_them(
    checkout: Path, tools: Mapping[str, Path]
) -> None:
    mine = checkout / "prometheus" / "thresholds.mine.yml"
    mine.write_text("thresholds: {no_such_threshold: 1}", encoding="utf-8")
    result = validate(checkout, tools)
    assert result.returncode == 1
    assert "FAIL  thresholds\nprometheus/thresholds.mine.yml:1: unknown threshold" in result.stdout
    mine.write_text("alerts: {CacheDown: {for: 7m}}", encoding="utf-8")
    assert validate(checkout, tools).returncode == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]\n", "is empty, so no route is tested"),
        ("# nothing yet\n", "is empty, so no route is tested"),
        ("- labels: [", "line 1 is no YAML"),
        ("labels: {a: b}\n", "is no list"),
        ("- labels: {alertname: A}\n", "row 1 lacks labels or receivers"),
        ("- {labels: {}, receivers: [slack]}\n", "row 1 lacks labels or receivers"),
        ("- slack\n", "row 1 lacks labels or receivers"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_table_of_routes_that_tests_nothing_is_one_clear_line(
    checkout: Path, tools: Mapping[str, Path], content: str | None, words: str
) -> None:
    table = checkout / "alertmanager" / "tests" / "routes.yml"
    table.unlink()
    if content is not None:
        table.write_text(content, encoding="utf-8")
    result = validate(checkout, tools)
    assert result.returncode == 1
    assert result.stderr == ""
    [failed] = [line for line in result.stdout.splitlines() if not line.startswith("ok ")]
    assert failed.startswith("FAIL  alertmanager/tests/routes.yml ")
    assert words in failed
    assert "write rows like" in failed


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        (
            "alertmanager.yml",
            'template "slack.text" .',
            'template "slack.txet" .',
            "slack-on-call.slack_configs.0.text",
        ),
        ("alertmanager.yml", 'template "email.html" .', 'template "email.htlm" .', "email_configs.0.html"),
        ("alertmanager.yml", 'template "headline" .', 'template "healdine" .', "headers.Subject"),
        # In a branch that only a notification with a collection reaches.
        (
            "templates/slack.tmpl",
            'in {{ template "slack.escape" . }}',
            'in {{ template "slack.ecsape" . }}',
            "slack_configs.0.title",
        ),
    ],
)
def test_a_template_that_does_not_exist_fails_where_it_is_named(
    checkout: Path, tools: Mapping[str, Path], file: str, old: str, new: str, place: str
) -> None:
    replace(checkout / "alertmanager" / file, old, new)
    result = validate(checkout, tools)
    assert result.returncode == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert any(line.startswith("FAIL  template in ") and line.endswith(place) for line in failed), (
        result.stdout
    )
    assert new.split('"')[1] in result.stdout

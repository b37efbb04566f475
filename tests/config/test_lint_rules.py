"""scripts/lint-rules: what it says with pint, without it, and where it cannot be built.

pint and Go are stand-ins; the real ones run in CI, where Go is.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PINT = """#!/bin/bash
echo "$*" >>{calls}
[ -z "{found}" ] || {{ echo "{found}" >&2; exit 1; }}
"""
GO = """#!/bin/bash
echo "go $1" >>{calls}
case "$1" in
  get) [ -z "{fault}" ] || {{ echo "{fault}" >&2; exit 1; }} ;;
  build) cp "{programs}/../pint-of-go" ../pint; chmod +x ../pint ;;
esac
"""

Lint = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """All that the script may find: what it needs, and neither pint nor Go."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cp", "chmod", "dirname", "grep", "mkdir", "mktemp", "rm", "tail", "touch"):
        (programs / name).symlink_to(shutil.which(name) or "")
    return programs


@pytest.fixture
def add(programs: Path) -> Callable[[str, str], None]:
    def add(name: str, text: str) -> None:
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)

    return add


@pytest.fixture
def lint(repository: Path, tmp_path: Path, programs: Path) -> Lint:
    (tmp_path / "scripts").mkdir()
    for name in ("lint-rules", "versions"):
        shutil.copy(repository / "scripts" / name, tmp_path / "scripts")
    return lambda: subprocess.run(
        [str(tmp_path / "scripts" / "lint-rules")],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_pint_and_without_go_one_line_says_that_it_was_left_out(lint: Lint) -> None:
    result = lint()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "lint-rules: left out: neither pint nor Go is here\n"


def test_a_pint_that_is_installed_is_asked_about_all_rules(
    lint: Lint, add: Callable[[str, str], None], tmp_path: Path
) -> None:
    add("pint", PINT.format(calls=tmp_path / "calls", found=""))
    result = lint()
    assert (result.returncode, result.stdout) == (0, "lint-rules: nothing to mend\n")
    [call] = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert "--offline" in call
    assert call.endswith("--fail-on=info prometheus/rules")


def test_what_pint_finds_is_shown_and_fails(
    lint: Lint, add: Callable[[str, str], None], tmp_path: Path
) -> None:
    add("pint", PINT.format(calls=tmp_path / "calls", found="Warning: fragile query"))
    result = lint()
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "Warning: fragile query",
        "lint-rules: mend what pint says, or except it with a reason in .pint.hcl",
    ]


def test_with_go_pint_is_built_once(lint: Lint, add: Callable[[str, str], None], tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    (tmp_path / "pint-of-go").write_text(PINT.format(calls=calls, found=""), encoding="utf-8")
    add("go", GO.format(calls=calls, programs=tmp_path / "bin", fault=""))
    assert lint().returncode == 0
    assert lint().returncode == 0
    said = calls.read_text(encoding="utf-8").splitlines()
    assert [line for line in said if line.startswith("go ")] == ["go mod", "go get", "go build"]
    assert len(said) == 5
    assert not list((tmp_path / ".tools" / "pint").glob("build.??????"))


def test_a_pint_that_cannot_be_built_is_one_line_that_says_why(
    lint: Lint, add: Callable[[str, str], None], tmp_path: Path
) -> None:
    add("go", GO.format(calls=tmp_path / "calls", programs=tmp_path / "bin", fault="module: 403 Forbidden"))
    result = lint()
    assert result.returncode == 0
    line = result.stdout.splitlines()[-1]
    assert line.startswith("lint-rules: left out: pint cannot be built: module: 403 Forbidden; put pint on")

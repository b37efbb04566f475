"""scripts/build-jaeger: what it says where it cannot build, and that it does nothing twice.

Go is a stand-in that tells its version and writes what it is told to build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

GO = """#!/bin/bash
echo "$*" >>{calls}
case "$1" in
  env) echo "go{version}" ;;
  mod) touch go.mod ;;
  get) [ -z "{fault}" ] || {{ echo "{fault}" >&2; exit 1; }} ;;
  build) printf '#!/bin/sh\\n' >jaeger; chmod +x jaeger ;;
esac
"""

Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def build(repository: Path, tmp_path: Path) -> Build:
    (tmp_path / "scripts").mkdir()
    for name in ("build-jaeger", "versions"):
        shutil.copy(repository / "scripts" / name, tmp_path / "scripts")
    programs = tmp_path / "bin"
    programs.mkdir()
    # Not /usr/bin itself, which may hold a Go.
    for name in (
        "bash",
        "dirname",
        "sed",
        "grep",
        "sort",
        "head",
        "tail",
        "mkdir",
        "mktemp",
        "mv",
        "rm",
        "touch",
        "chmod",
    ):
        (programs / name).symlink_to(shutil.which(name) or "")

    def run(version: str = "1.26.8", fault: str = "") -> subprocess.CompletedProcess[str]:
        if version:
            go = programs / "go"
            go.write_text(GO.format(calls=tmp_path / "calls", version=version, fault=fault), encoding="utf-8")
            go.chmod(0o755)
        return subprocess.run(
            [str(tmp_path / "scripts" / "build-jaeger")],
            env={"PATH": str(programs), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_it_builds_once_and_says_how_far_it_is(build: Build, tmp_path: Path) -> None:
    done = build()
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^jaeger: building ", done.stdout, re.MULTILINE)
    assert re.search(r"^jaeger: \.tools/jaeger/jaeger is ready \(v[\d.]+\)\n\Z", done.stdout, re.MULTILINE)
    assert (tmp_path / ".tools" / "jaeger" / "jaeger").is_file()
    calls = (tmp_path / "calls").read_text()
    again = build()
    assert re.fullmatch(r"jaeger: \.tools/jaeger/jaeger is here \(v[\d.]+\)\n", again.stdout)
    assert (tmp_path / "calls").read_text() == calls


def test_another_version_is_built_anew(build: Build, tmp_path: Path) -> None:
    build()
    [mark] = (tmp_path / ".tools" / "jaeger").glob("v*")
    mark.rename(mark.with_name("v0.0.1"))
    assert "is ready" in build().stdout
    assert [path.name for path in (tmp_path / ".tools" / "jaeger").glob("v*")] == [mark.name]


@pytest.mark.parametrize(
    ("version", "fault", "line"),
    [
        ("", "", r"jaeger: no Go here; install Go [\d.]+ or newer \(https://go\.dev/dl\)\n"),
        ("1.19.8", "", r"jaeger: Go 1\.19\.8 is too old; install Go [\d.]+ or newer .+\n"),
        (
            "1.26.8",
            "dial tcp: no route",
            r"jaeger: go get failed: dial tcp: no route; all that it said is in \S+\n",
        ),
    ],
)
def test_what_is_missing_is_one_line(
    build: Build, version: str, fault: str, line: str, tmp_path: Path
) -> None:
    done = build(version, fault)
    assert done.returncode == 1
    assert re.fullmatch(line, done.stderr)
    assert not (tmp_path / ".tools" / "jaeger" / "jaeger").exists()

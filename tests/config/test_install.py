"""`scripts/install` says in one line what is missing and how to mend it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """A package that needs what cannot be had, and the script."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(repository / "scripts" / "install", tmp_path / "scripts")
    (tmp_path / "exporters").mkdir()
    (tmp_path / "exporters" / "constraints.txt").touch()
    (tmp_path / "exporters" / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["vectorwatch-missing-one>=77"]\n', encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def install(checkout: Path) -> Install:
    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return subprocess.run(
            [str(checkout / "scripts" / "install"), "demo"],
            env={**kept, "PIP_CONFIG_FILE": os.devnull, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def make_venv(checkout: Path, pip: str) -> None:
    """Make a `.venv` whose pip says `pip` and fails, as pip does without pip's own slow start."""
    venv.create(checkout / ".venv", with_pip=False)
    [packages] = (checkout / ".venv" / "lib").glob("python*/site-packages")
    (packages / "pip.py").write_text(f"import sys\nsys.exit({pip!r})\n", encoding="utf-8")


def refuses(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("install: ")
    for word in words:
        assert word in result.stderr


def test_a_missing_python_is_named(install: Install) -> None:
    refuses(install(PYTHON="no-such-python"), "no `no-such-python` found", "install Python 3.11 or newer")


def test_a_python_that_is_too_old_is_told_with_its_version(install: Install, tmp_path: Path) -> None:
    # Python 2 prints its version on stderr.
    old = write_program(tmp_path / "python2", '[ "$1" = --version ] && echo "Python 2.7.18" >&2; exit 1')
    refuses(install(PYTHON=str(old)), "install: Python 2.7.18 is too old; set PYTHON")


def test_an_index_that_cannot_be_reached_is_one_line_with_its_remedy(
    install: Install, free_port: Callable[[], int]
) -> None:
    result = install(
        PIP_INDEX_URL=f"http://127.0.0.1:{free_port()}/simple", PIP_RETRIES="1", PYTHON=sys.executable
    )
    refuses(result, "pip: No matching distribution found for vectorwatch-missing-one", "PIP_INDEX_URL")


@pytest.mark.parametrize(
    ("said", "words", "remedy"),
    [
        (
            "note: noise\nERROR: first\nERROR: Package 'x' requires a different Python\n",
            "pip: Package 'x' requires a different Python;",
            "all that pip said is in .venv/install.log",
        ),
        ("ERROR: Could not install: [Errno 28] No space left on device\n", "pip: Could not", "make room"),
        (
            "ERROR: Could not install: [Errno 13] Permission denied: 'x'\n",
            "pip: Could not",
            "make .venv yours",
        ),
        ("ERROR: Exception:\nTraceback\nValueError: odd\n", "pip: ValueError: odd;", "install.log"),
        ("", "pip: it ended without a word;", "install.log"),
    ],
)
def test_only_the_last_error_of_pip_is_shown_with_a_remedy_that_fits(
    install: Install, checkout: Path, said: str, words: str, remedy: str
) -> None:
    make_venv(checkout, said)
    result = install()
    refuses(result, words, remedy)
    assert "index" not in result.stderr
    assert (checkout / ".venv" / "install.log").read_text(encoding="utf-8").strip() == said.strip()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("exit 127", "was made by Python 3.9, which no longer runs"),
        ('case "$2" in *version_info*) echo 3.13;; esac', "was made by Python 3.9 and now runs 3.13"),
        ('case "$2" in *print*) echo 3.9;; *) exit 1;; esac', "is of Python 3.9, which is too old"),
    ],
)
def test_a_venv_of_another_python_is_told_and_left_alone(
    install: Install, checkout: Path, program: str, words: str
) -> None:
    write_program(checkout / ".venv" / "bin" / "python", program)
    (checkout / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.9.2\n", encoding="utf-8")
    refuses(install(), words, "rm -r .venv")
    assert (checkout / ".venv" / "pyvenv.cfg").exists()


def test_a_venv_of_another_python_than_the_one_asked_for_is_told(
    install: Install, checkout: Path, tmp_path: Path
) -> None:
    make_venv(checkout, "never reached")
    asked = write_program(tmp_path / "python3.99", 'case "$2" in *print*) echo 3.99;; esac')
    refuses(install(PYTHON=str(asked)), "but PYTHON names 3.99", "leave PYTHON out")

"""Run a program and get its output, or one line that says what went wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from vectorwatch.errors import VectorwatchError

_SHOWN_LINES = 25


class CommandError(VectorwatchError):
    """A program that failed; the message holds the end of what it said."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_seconds: float = 120,
) -> str:
    """Return what `command` writes on stdout. Raises CommandError when it fails or takes too long."""
    done = attempt(command, environment=environment, folder=folder, timeout_seconds=timeout_seconds)
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_SHOWN_LINES:])
        raise CommandError(f"smoke: `{_write(command)}` ended with {done.returncode}:\n{said}")
    return done.stdout


def attempt(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_seconds: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `command` whatever it ends with. Raises CommandError when it cannot start or takes too long."""
    try:
        return subprocess.run(
            list(command),
            env=None if environment is None else dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"smoke: `{_write(command)}` took longer than {timeout_seconds:g} s") from error
    except OSError as error:
        raise CommandError(f"smoke: `{_write(command)}` cannot start: {error.strerror}") from error


def _write(command: Sequence[str]) -> str:
    text = " ".join(command)
    return text if len(text) <= 100 else text[:97] + "…"

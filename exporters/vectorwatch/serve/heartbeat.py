"""A file whose age tells a health check whether a program that works in rounds still does."""

from __future__ import annotations

from pathlib import Path

from vectorwatch.errors import VectorwatchError


def beat(heartbeat: Path) -> None:
    """Touch the file. Raises VectorwatchError when it cannot be written."""
    try:
        heartbeat.touch()
    except OSError as error:
        raise VectorwatchError(f"cannot write {heartbeat}: {(error.strerror or '').lower()}") from error

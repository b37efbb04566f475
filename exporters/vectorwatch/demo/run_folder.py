"""A folder for one run of the demo: its logs, data and rendered configuration, under `.demo/`.

It stays after the end, so that its logs can be read, and goes when the next run begins.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectorwatch.errors import VectorwatchError


@contextmanager
def open_run_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for this run under `parent` and remove those of runs that have ended."""
    try:
        parent.mkdir(exist_ok=True)
        _remove_ended(parent)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    except OSError as error:
        raise VectorwatchError(f"demo: cannot write {error.filename or parent}: {error.strerror}") from error
    # The lock ends with this process however it ends, so it tells who still runs.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _remove_ended(parent: Path) -> None:
    for folder in parent.glob("run-*"):
        try:
            with (folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError):
            continue

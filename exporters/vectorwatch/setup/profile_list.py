"""The servers of a profile, on the lists of targets for exactly as long as the profile runs.

A list that `setup` empties or somebody deletes comes back; when the profile ends, its lists go, so that
nobody is told that something is down which was stopped on purpose.
"""

from __future__ import annotations

import os
from pathlib import Path

from vectorwatch.errors import VectorwatchError
from vectorwatch.serve.ending import wait_for_the_end

_LOOK_SECONDS = 2.0


def keep(source: Path, lists: Path, heartbeat: Path) -> None:
    """Keep the lists of `source` in `lists` until SIGTERM, touching `heartbeat` as often as it looks.

    Raises VectorwatchError when there are none, or when `lists` cannot be written.
    """
    names = sorted(path.name for path in source.glob("*.yml"))
    if not names:
        raise VectorwatchError(f"keep-targets: {source} holds no list; is prometheus/profiles/ complete?")
    with wait_for_the_end() as ended:
        try:
            while not ended.is_set():
                for name in names:
                    put(source / name, lists / name)
                heartbeat.touch()
                ended.wait(_LOOK_SECONDS)
        except OSError as error:
            raise VectorwatchError(
                f"keep-targets: cannot write {error.filename}: {error.strerror};"
                " `docker compose up` mends its rights"
            ) from error
        finally:
            for name in names:
                (lists / name).unlink(missing_ok=True)


def put(source: Path, destination: Path) -> None:
    """Copy a list unless it is there already; who reads it never sees a half. Raises OSError."""
    content = source.read_bytes()
    if destination.is_file() and destination.read_bytes() == content:
        return
    # Another name than those that Prometheus and the exporters look for.
    scratch = destination.with_name(f".{destination.name}.{os.getpid()}")
    scratch.write_bytes(content)
    scratch.replace(destination)

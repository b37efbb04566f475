"""A folder that a running program reads, given other files without a moment in which one is half there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def replace_files(contents: Mapping[str, str], out: Path, pattern: str) -> None:
    """Make `out` hold these files and no others that match `pattern`; names are relative to it.

    They change one by one, each whole, when all of them have been written beside it. Other users can read
    them. Raises OSError with a `filename`.
    """
    # Hidden and without a suffix that anyone reads: Prometheus takes every `*.yml`, also hidden ones.
    scratch = {name: out / Path(name).parent / f".{Path(name).name}.{os.getpid()}" for name in contents}
    try:
        for name, path in scratch.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[name].encode("utf-8"))
            path.chmod(0o644)
    except OSError as error:
        error.filename = error.filename or str(out)  # a full disk does not say which file
        for path in scratch.values():
            with suppress(OSError):  # it must not get fuller each time
                path.unlink()
        raise
    for name, path in scratch.items():
        path.replace(out / name)
    for path in out.glob(pattern):
        if str(path.relative_to(out)) not in contents:
            path.unlink()

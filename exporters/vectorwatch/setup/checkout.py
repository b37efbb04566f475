"""The checkout as the services see it: they run as users of their own and read what everybody may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vectorwatch.errors import VectorwatchError

_PRIVATE = "secrets"
"""Folders of this name are meant for their owner alone; what services need of them is handed over."""


def refuse_unreadable(checkout: Path) -> None:
    """Raise VectorwatchError when a file that is mounted into a service is closed to other users."""
    closed = sorted(_find_closed(checkout))
    if closed:
        folders = " ".join(sorted(path.name for path in checkout.iterdir() if path.is_dir()))
        raise VectorwatchError(
            f"setup: the services run as users of their own and cannot read {closed[0].relative_to(checkout)}"
            f" ({len(closed)} such files and folders); run"
            f" `find {folders} -not -path '*/{_PRIVATE}/*' -exec chmod o+rX {{}} +`"
        )


def _find_closed(checkout: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(checkout):
        names[:] = [name for name in names if name != _PRIVATE]
        place = Path(folder)
        if place != checkout and not _is_open(place, stat.S_IROTH | stat.S_IXOTH):
            yield place
        yield from (place / name for name in files if not _is_open(place / name, stat.S_IROTH))


def _is_open(path: Path, bits: int) -> bool:
    return path.lstat().st_mode & bits == bits

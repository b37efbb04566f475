"""Read a file of the journal and mend it: whole lines stay, the rest moves to where a person can see it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .entry import Head, read_head
from .segment import Segment, sync_folder

log = logging.getLogger(__name__)

DAMAGED = "damaged.txt"

Found = tuple[Head, int, int]
"""An entry, the offset of its line and the length of the line without its end."""


def load(segment: Segment, after_id: int, most_damaged_bytes: int) -> tuple[list[Found], int]:
    """Return the entries of `segment` by rising id and the number of its damaged lines.

    What a crash has left behind, half a line or blocks of zeros, is moved to `damaged.txt`, which begins anew
    above `most_damaged_bytes`. Where that cannot be written the file stays as it is and is read around.
    """
    found, damaged = _scan(segment.path, after_id)
    if not damaged:
        return found, 0
    try:
        _keep(segment.path.parent / DAMAGED, damaged, most_damaged_bytes)
        _rewrite(segment, found)
    except OSError as error:
        log.warning("journal: %s: %d damaged lines stay: %s", segment.path.name, len(damaged), error.strerror)
        return found, len(damaged)
    log.warning(
        "journal: %s: repaired; %d whole lines kept, %d damaged lines moved to %s",
        segment.path.name,
        len(found),
        len(damaged),
        DAMAGED,
    )
    return list(_close_up(found)), len(damaged)


def _scan(path: Path, after_id: int) -> tuple[list[Found], list[bytes]]:
    found: list[Found] = []
    damaged: list[bytes] = []
    offset = 0
    with path.open("rb") as file:
        for line in file:
            head = read_head(line)
            if head is None or head.id <= after_id:
                damaged.append(line)
            else:
                found.append((head, offset, len(line.rstrip(b"\n"))))
                after_id = head.id
            offset += len(line)
    return found, damaged


def _keep(path: Path, damaged: list[bytes], most_bytes: int) -> None:
    size_bytes = path.stat().st_size if path.exists() else 0
    full = size_bytes + sum(map(len, damaged)) > most_bytes
    _write(path, (line.rstrip(b"\n") + b"\n" for line in damaged), "wb" if full else "ab")


def _rewrite(segment: Segment, found: list[Found]) -> None:
    temporary = segment.path.with_suffix(".repair")
    try:
        _write(temporary, (segment.read(offset, length) + b"\n" for _, offset, length in found), "wb")
        temporary.replace(segment.path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(segment.path.parent)
    segment.size_bytes = segment.path.stat().st_size


def _close_up(found: list[Found]) -> Iterator[Found]:
    """Yield the entries with the offsets that they have once nothing stands between them."""
    offset = 0
    for head, _, length in found:
        yield head, offset, length
        offset += length + 1


def _write(path: Path, lines: Iterable[bytes], mode: str) -> None:
    with path.open(mode) as file:
        path.chmod(0o600)
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())

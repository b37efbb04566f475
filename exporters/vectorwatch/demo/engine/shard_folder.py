"""Folders of an engine shard: copied without their holes, named so that two never clash."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from uuid import uuid4

PREFIX = "shard-"


def name_shard_folder(collection_folder: Path) -> Path:
    """Return a path for a shard that nobody has used."""
    return collection_folder / f"{PREFIX}{uuid4().hex}"


def copy_shard_folder(source: Path, target: Path) -> None:
    """Copy a flushed shard; the caller keeps writers away.

    The log too: its operation numbers decide which writes count as new on the copy."""
    shutil.copytree(source, target, copy_function=_copy_data)


def remove_other_shards(collection_folder: Path, kept: Path) -> None:
    """Remove copies that a killed server left unfinished."""
    for folder in collection_folder.glob(f"{PREFIX}*"):
        if folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


def _copy_data(source: str, target: str) -> None:
    """Copy a file's data and leave its holes: the engine reserves 32 MiB a file and fills little of it."""
    with Path(source).open("rb", buffering=0) as reader, Path(target).open("wb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        position = 0
        while (start := _find_data(reader.fileno(), position, size)) < size:
            position = os.lseek(reader.fileno(), start, os.SEEK_HOLE)
            _copy_stretch(reader.fileno(), writer.fileno(), start, position)


def _find_data(file: int, position: int, size: int) -> int:
    try:
        return os.lseek(file, position, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size  # nothing but a hole until the end


def _copy_stretch(reader: int, writer: int, start: int, end: int) -> None:
    while start < end:
        chunk = os.pread(reader, min(end - start, 1 << 20), start)
        start += os.pwrite(writer, chunk, start)

"""Write an archive: first what never changes, then, while all is paused, what does.

Blocks of Prometheus are immutable once their folder has its name, and so is a snapshot of the logs that is
complete. The rest is copied as a crash would leave it, from which write-ahead logs recover: of Prometheus
(prometheus.io/docs, Storage), of SQLite (sqlite.org/atomiccommit.html) and of Badger, where Jaeger keeps
spans.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import re
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

from vectorwatch.errors import VectorwatchError

from .manifest import FILES, MANIFEST, SIZE, SNAPSHOTS, VOLUMES, Manifest

OWN_FILES = (
    ".env",
    "docker-compose.override.yml",
    "prometheus/*.mine.yml",
    "prometheus/targets/*",
    "prometheus/jobs/*",
    "prometheus/rules/*.yml",
    "*/secrets/*",
)
"""Patterns of what belongs to the person who runs the stack; docker-compose.yml lists them at its top."""
_BLOCK = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
"""Name of a block's folder, a ULID."""
_COMPRESS_LEVEL = 1  # chunks are compressed already

Say = Callable[[str], None]


class Writer:
    """Writes one archive to `output`, which need not seek."""

    def __init__(self, output: BinaryIO, say: Say) -> None:
        self._say = say
        self._sha256: dict[str, str] = {}
        self._zip = gzip.GzipFile(fileobj=output, mode="wb", compresslevel=_COMPRESS_LEVEL, filename="")
        self._tar = tarfile.TarFile.open(  # `close` ends it
            fileobj=self._zip, mode="w|", format=tarfile.PAX_FORMAT
        )

    def add_blocks(self, volumes: Path) -> None:
        """Add the blocks of Prometheus, while it runs; one that it deletes meanwhile is left out whole."""
        for block in sorted((volumes / "prometheus_data").glob("*")):
            if _BLOCK.fullmatch(block.name):
                self._add_block(block, volumes)

    def _add_block(self, block: Path, volumes: Path) -> None:
        with ExitStack() as stack:
            try:
                # Opened before the first is read: what is open stays readable when its name is gone.
                found = [(path, stack.enter_context(path.open("rb"))) for path in _files(block)]
                # With their owners: before the pause the block may go, and where it is restored Prometheus
                # must be able to delete it. And last: a block that went while it was listed is not whole.
                folders = [
                    (path, path.stat()) for path in (*(p for p in block.rglob("*") if p.is_dir()), block)
                ]
            except FileNotFoundError:
                return
            for path, status in folders:
                self._tar.addfile(_describe(f"{VOLUMES}/{path.relative_to(volumes)}", status))
            for path, content in found:
                self._add(path, f"{VOLUMES}/{path.relative_to(volumes)}", content)

    def add_snapshots(self, volumes: Path) -> None:
        """Add the snapshot of the logs, which nothing changes while no other is made."""
        self._add_all(volumes, volumes / SNAPSHOTS)

    def add_volumes(self, volumes: Path) -> None:
        """Add all that is in the other volumes and not in the archive yet. Nothing may write to them."""
        for volume in sorted(volumes.iterdir()):
            if volume.name != SNAPSHOTS:
                self._add_all(volumes, volume)

    def _add_all(self, volumes: Path, volume: Path) -> None:
        for path in (volume, *sorted(volume.rglob("*"))):
            name = f"{VOLUMES}/{path.relative_to(volumes)}"
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                self._say(f"backup: left out: {name}: neither file nor folder")
            elif path.is_dir():
                self._tar.addfile(_describe(name, path.stat()))
            elif name not in self._sha256:
                with path.open("rb") as content:
                    self._add(path, name, content)

    def add_files(self, checkout: Path) -> None:
        """Add the files of the person who runs the stack."""
        for path in sorted({path for pattern in OWN_FILES for path in checkout.glob(pattern)}):
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as content:
                    self._add(path, f"{FILES}/{path.relative_to(checkout)}", content)

    def close(self, commit: str, images: str) -> None:
        """Write the manifest and end the archive."""
        manifest = Manifest(datetime.now(UTC).isoformat(timespec="seconds"), commit, images, self._sha256)
        content = manifest.encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))
        self._tar.close()
        self._zip.close()

    def _add(self, path: Path, name: str, content: BinaryIO) -> None:
        info, hashed = _describe(name, os.fstat(content.fileno())), _Hashed(content)
        end = _find_end(content, info.size)
        if end < info.size:
            info.pax_headers, info.size = {SIZE: str(info.size)}, end
        try:
            self._tar.addfile(info, hashed)
        except OSError as error:
            raise VectorwatchError(f"backup: {path}: {error}") from error
        self._sha256[name] = hashed.digest.hexdigest()


class _Hashed:
    """A file that notes what has been read of it."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(size)
        self.digest.update(piece)
        return piece


def measure(volumes: Path, *, logs: bool = True) -> int:
    """Return how many bytes the files in the volumes have, without the holes at their ends."""
    total = 0
    for path in _files(volumes):
        if not logs and path.is_relative_to(volumes / SNAPSHOTS):
            continue
        try:
            with path.open("rb") as content:
                total += _find_end(content, os.fstat(content.fileno()).st_size)
        except FileNotFoundError:  # all runs meanwhile
            continue
    return total


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _find_end(content: BinaryIO, size: int) -> int:
    """Return where the hole begins at which the file ends, or `size`.

    Badger makes its newest file of values 2 GiB long at once, nearly all of it a hole (its value.go): to read
    that would be most of the pause.
    """
    end = 0
    while end < size:
        try:
            end = os.lseek(content.fileno(), os.lseek(content.fileno(), end, os.SEEK_DATA), os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # there is more data, but this file system does not say where
                end = size
            break
    os.lseek(content.fileno(), 0, os.SEEK_SET)
    return end


def _describe(name: str, status: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode)
    info.uid, info.gid, info.mtime = status.st_uid, status.st_gid, status.st_mtime
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    else:
        info.size = status.st_size
    return info

"""One file of the journal: whole lines, on the disk when `append` returns."""

from __future__ import annotations

import errno
import os
from pathlib import Path

SUFFIX = ".jsonl"
_DIGITS = 20
_MODE = 0o600  # alerts name hosts and people


class Segment:
    """A file named by the id of its first entry, so that names sort as the entries do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = path.stat().st_size if path.exists() else 0
        self.is_sound = True
        """False when the end of the file is uncertain; nothing may be appended then."""
        self._descriptor: int | None = None
        self._is_named = False

    @classmethod
    def beginning_with(cls, folder: Path, first_id: int) -> Segment:
        """Return the segment of `folder` whose first entry has the id `first_id`."""
        return cls(folder / f"{first_id:0{_DIGITS}d}{SUFFIX}")

    @classmethod
    def find_all(cls, folder: Path) -> list[Segment]:
        """Return the segments in `folder`, oldest first."""
        paths = folder.glob(f"{'[0-9]' * _DIGITS}{SUFFIX}")
        return [cls(path) for path in sorted(paths)]

    @property
    def first_id(self) -> int:
        """Return the least id that an entry of this segment can have."""
        return int(self.path.stem)

    def append(self, content: bytes) -> int:
        """Write `content` durably and return its offset; on OSError nothing of it stays."""
        offset = self.size_bytes
        try:
            descriptor = self._open()
            _write_all(descriptor, content)
        except OSError:
            self._cut_back()
            raise
        try:
            os.fsync(descriptor)
        except OSError:
            # The kernel may have dropped the pages and will not report that a second time.
            self._cut_back()
            self.is_sound = False
            raise
        self.size_bytes += len(content)
        return offset

    def try_to_append(self, size_bytes: int) -> None:
        """Raise OSError unless that many bytes can be written now; leave the file as it was."""
        descriptor = self._open()
        try:
            _write_all(descriptor, b" " * size_bytes)
            os.fsync(descriptor)
        finally:
            self._cut_back()

    def read(self, offset: int, length: int) -> bytes:
        """Return a part of the file; raise OSError when it is gone."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, _MODE)
        if not self._is_named:
            sync_folder(self.path.parent)
            self._is_named = True
        if os.fstat(self._descriptor).st_nlink == 0:
            self.is_sound = False
            raise FileNotFoundError(errno.ENOENT, "the journal file has been deleted", str(self.path))
        return self._descriptor

    def _cut_back(self) -> None:
        """Remove what a failed write has left; a remainder that stays is never continued."""
        if self._descriptor is None:
            return
        try:
            os.ftruncate(self._descriptor, self.size_bytes)
            os.fsync(self._descriptor)
        except OSError:
            self.is_sound = False


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a new file is lost with its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Read an archive: all of it checked, its volumes filled, its files handed on."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from vectorwatch.errors import VectorwatchError

from .manifest import FILES, MANIFEST, MAX_MANIFEST_BYTES, SIZE, VOLUMES, Manifest, decode

UNFINISHED = ".restore-unfinished"
"""In a volume that a restore has begun to fill: the next restore empties it."""
_PIECE_BYTES = 2**20
_DAMAGED = "take another archive"

Chown = Callable[[Path, int, int], None]


def check(source: BinaryIO) -> Manifest:
    """Read the whole archive and compare each file with the manifest. Raises VectorwatchError."""
    found: dict[str, str] = {}
    manifest: Manifest | None = None
    with _open(source) as members:
        for member, content in members:
            if manifest:
                raise VectorwatchError(f"restore: damaged: {member.name} after the manifest; {_DAMAGED}")
            if member.name == MANIFEST:
                if not content or member.size > MAX_MANIFEST_BYTES:
                    raise VectorwatchError(f"restore: damaged: its manifest is no file of ours; {_DAMAGED}")
                manifest = decode(content.read())
                continue
            _refuse_foreign(member)
            if content:
                if member.name in found:
                    raise VectorwatchError(f"restore: damaged: {member.name} is there twice; {_DAMAGED}")
                found[member.name] = _copy(content)
    if not manifest:
        raise VectorwatchError(f"restore: cut, or no archive of `make backup`: no manifest; {_DAMAGED}")
    wrong = sorted(
        {name for name, _ in found.items() ^ manifest.sha256.items()}  # absent, added or changed
    )
    if wrong:
        raise VectorwatchError(f"restore: damaged: {wrong[0]} is not what was written; {_DAMAGED}")
    return manifest


def fill(source: BinaryIO, volumes: Path, chown: Chown = os.chown) -> int:
    """Fill empty volumes from an archive that `check` has passed; return how many.

    Raises VectorwatchError.
    """
    present = sorted(path for path in volumes.iterdir() if path.is_dir())
    names = {path.name for path in present}
    if filled := list_filled(volumes):
        raise VectorwatchError(f"restore: these volumes hold data: {', '.join(filled)}; nothing was changed")
    for volume in present:
        (volume / UNFINISHED).touch()
    clear(volumes)
    folders: list[tuple[Path, tarfile.TarInfo]] = []
    with _open(source) as members:
        for member, content in members:
            first, *rest = PurePosixPath(member.name).parts
            if first != VOLUMES or not rest:
                continue
            _refuse_foreign(member)
            if rest[0] not in names:
                raise VectorwatchError(
                    f"restore: this version has no volume {rest[0]}; use the archive's version"
                )
            path = volumes.joinpath(*rest)
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
                folders.append((path, member))
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                _copy(content, file)
                file.truncate(int(member.pax_headers.get(SIZE, member.size)))
                file.flush()
                os.fsync(file.fileno())
            _settle(path, member, chown)
    for path, member in reversed(folders):
        _settle(path, member, chown)
    for volume in present:
        (volume / UNFINISHED).unlink()
    return len(present)


def list_filled(volumes: Path) -> list[str]:
    """Return the names of the volumes that hold data which no unfinished restore has put there."""
    return [
        path.name
        for path in sorted(volumes.iterdir())
        if path.is_dir() and any(path.iterdir()) and not (path / UNFINISHED).exists()
    ]


def clear(volumes: Path) -> None:
    """Delete all that is in the volumes but the marks of an unfinished restore."""
    for path in volumes.glob("*/*"):
        if path.name != UNFINISHED:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def copy_files(source: BinaryIO, output: BinaryIO) -> None:
    """Write the person's own files as a tar archive. Raises VectorwatchError."""
    with _open(source) as members, tarfile.open(fileobj=output, mode="w|") as tar:
        for member, content in members:
            if member.name.startswith(f"{FILES}/") and content:
                _refuse_foreign(member)
                member.name = member.name.removeprefix(f"{FILES}/")
                member.pax_headers = {}
                tar.addfile(member, content)


@contextmanager
def _open(source: BinaryIO) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]]:
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as unzipped:
            with tarfile.open(fileobj=unzipped, mode="r|") as tar:
                yield ((member, tar.extractfile(member) if member.isreg() else None) for member in tar)
            while unzipped.read(_PIECE_BYTES):  # its own checksum stands at the end
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise VectorwatchError(
            f"restore: damaged, or no archive of `make backup`: {error}; {_DAMAGED}"
        ) from error


def _refuse_foreign(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    parts = path.parts
    if path.is_absolute() or ".." in parts or len(parts) < 2 or parts[0] not in {VOLUMES, FILES}:
        raise VectorwatchError(
            f"restore: {member.name!r} leads out of the archive; it is none of `make backup`"
        )
    if not (member.isreg() or member.isdir()):
        raise VectorwatchError(f"restore: {member.name} is a link or device; it is none of `make backup`")


def _copy(content: IO[bytes], output: IO[bytes] | None = None) -> str:
    digest = hashlib.sha256()
    while piece := content.read(_PIECE_BYTES):
        digest.update(piece)
        if output:
            output.write(piece)
    return digest.hexdigest()


def _settle(path: Path, member: tarfile.TarInfo, chown: Chown) -> None:
    chown(path, member.uid, member.gid)
    path.chmod(member.mode)
    os.utime(path, (member.mtime, member.mtime))

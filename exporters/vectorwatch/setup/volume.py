"""A volume of secrets: files written whole or not at all, and a marker written last."""

from __future__ import annotations

import fcntl
import os
import secrets
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vectorwatch.errors import VectorwatchError

FORMAT = 1
"""Raised when files change their names or meaning; an older volume is then brought up to it."""

_MARKER = ".format"
_SCRATCH = ".new"
_KEPT = ".previous."
"""Begins the name of what a secret was before, while a rotation is under way."""
_MODE = 0o400
_ALPHABET = string.ascii_letters + string.digits
"""Nothing that YAML, a shell, a URL or a `.env` file would read as more than a letter."""
_LENGTH = 32

Chown = Callable[[Path, int, int], None]


class SecretsVolume:
    """The files of one service; `chown` is an argument because only root may give files away."""

    def __init__(self, folder: Path, uid: int, chown: Chown = os.chown) -> None:
        self._folder = folder
        self._uid = uid
        self._chown = chown

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold the volume against a second set-up and write the marker if the block succeeds.

        Raises VectorwatchError when a newer version has written it, or when it cannot be written.
        """
        name = self._folder.name
        try:
            handle = os.open(self._folder, os.O_RDONLY)
        except OSError as error:
            raise VectorwatchError(
                f"setup: {name}: no volume at {self._folder} ({error.strerror})"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._refuse_newer()
            (self._folder / _SCRATCH).unlink(missing_ok=True)
            yield
            if self.format != FORMAT:
                self._write(_MARKER, f"{FORMAT}\n".encode(), give=False)
        except OSError as error:
            raise VectorwatchError(f"setup: {name}: cannot be written: {error.strerror}") from error
        finally:
            os.close(handle)

    @property
    def format(self) -> int | None:
        """Return the version of the volume; None when no set-up has come to its end."""
        try:
            return int((self._folder / _MARKER).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def names(self) -> set[str]:
        """Return the names of the secrets that are here and not empty."""
        return {
            path.name
            for path in self._folder.iterdir()
            if not path.name.startswith(".") and path.is_file() and path.stat().st_size > 0
        }

    def read(self, name: str) -> bytes:
        """Return a secret."""
        return (self._folder / name).read_bytes()

    def create(self, name: str) -> None:
        """Make a random secret."""
        self._write(name, "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)).encode())

    def put(self, name: str, content: bytes) -> bool:
        """Store `content`; return whether it was another before."""
        if name in self.names() and self.read(name) == content and self._is_protected(name):
            return False
        self._write(name, content)
        return True

    def protect(self, name: str) -> None:
        """Give a secret its owner and mode back if it has lost them."""
        if not self._is_protected(name):
            self._write(name, self.read(name))

    def remove(self, name: str) -> None:
        """Remove a secret."""
        (self._folder / name).unlink()

    def replace(self, name: str) -> None:
        """Make a random secret; the one before is kept until `forget`; until then this changes nothing."""
        old = self.read(name)
        kept = self.kept(name)
        if kept is None:
            self.keep(name)
        if kept in (None, old):
            self.create(name)

    def keep(self, name: str) -> None:
        """Keep what a secret is now beside it, for its service alone."""
        self._write(_KEPT + name, self.read(name))

    def kept(self, name: str) -> bytes | None:
        """Return what a secret was before; None unless a rotation is under way."""
        path = self._folder / (_KEPT + name)
        return path.read_bytes() if path.exists() else None

    def forget(self) -> None:
        """Remove all that is kept."""
        for path in self._folder.glob(f"{_KEPT}*"):
            path.unlink()

    def note(self, name: str, lines: Sequence[str]) -> None:
        """Write a note of ours, which is no secret and no service's; no lines: remove it."""
        if lines:
            self._write(name, "".join(f"{line}\n" for line in lines).encode(), give=False)
        else:
            (self._folder / name).unlink(missing_ok=True)

    def read_note(self, name: str) -> Sequence[str]:
        """Return the lines of a note."""
        path = self._folder / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else ()

    def _is_protected(self, name: str) -> bool:
        status = (self._folder / name).stat()
        return status.st_uid == self._uid and status.st_mode & 0o777 == _MODE

    def _write(self, name: str, content: bytes, *, give: bool = True) -> None:
        scratch = self._folder / _SCRATCH
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.chmod(_MODE)
        if give:
            # Last, for root without further rights cannot change a file that it has given away.
            self._chown(scratch, self._uid, 0)
        scratch.replace(self._folder / name)

    def _refuse_newer(self) -> None:
        found = self.format
        if found is not None and found > FORMAT:
            raise VectorwatchError(
                f"setup: {self._folder.name}: the secrets are of format {found}, written by a newer version;"
                f" this one knows {FORMAT}. Use the newer version, or restore a backup"
            )

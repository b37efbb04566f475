"""Addresses that Prometheus reads from file_sd files, so that a target is added in one place."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

log = logging.getLogger(__name__)

_Stamp = tuple[str, int, int]


class TargetList:
    """The addresses in the files that a path names; a changed file is read again at the next look.

    `*` in the path stands for any name. `check` raises ValueError for an address that cannot be used.
    """

    def __init__(self, path: Path | None, check: Callable[[str], object]) -> None:
        self._path = path
        self._check = check
        self._stamps: list[_Stamp] = []
        self._addresses: list[str] = []

    def addresses(self) -> list[str]:
        """Return the usable addresses, each once; what is wrong with a file is logged when it changes."""
        stamps = [_stamp(file) for file in self._files()]
        if stamps != self._stamps:
            self._addresses = list(dict.fromkeys(self._read_all([stamp[0] for stamp in stamps])))
            self._stamps = stamps
        return self._addresses

    def _files(self) -> list[str]:
        if self._path is None:
            return []
        path = str(self._path)
        return sorted(glob.glob(path)) if "*" in path else [path]  # noqa: PTH207  # stars in folders

    def _read_all(self, files: list[str]) -> Iterator[str]:
        for file in files:
            try:
                groups = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or []
            except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
                log.warning("%s: cannot be read: %s", file, type(error).__name__)
                continue
            yield from (address for address in _addresses_in(groups) if self._is_usable(file, address))

    def _is_usable(self, file: str, address: Any) -> bool:
        if not isinstance(address, str):
            log.warning("%s: a target is left out: `%s` is not a text", file, address)
            return False
        try:
            self._check(address)
        except ValueError as error:
            # Without the address: it may hold the credentials that make it unusable.
            log.warning("%s: a target is left out: %s", file, error)
            return False
        return True


def _stamp(file: str) -> _Stamp:
    try:
        state = Path(file).stat()
    except OSError:
        return file, 0, 0
    return file, state.st_mtime_ns, state.st_size


def _addresses_in(groups: Any) -> Iterator[Any]:
    for group in groups if isinstance(groups, list) else []:
        addresses = group.get("targets") if isinstance(group, dict) else None
        yield from addresses if isinstance(addresses, list) else []

"""The list of names that Logstash reads: `names.json`, an object by container id, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vectorwatch.errors import VectorwatchError

from .docker_folder import Names

FILE = "names.json"
KEEP_SECONDS = 86_400.0
"""A container that is gone keeps its name for a day: its last lines may come late."""

MOST = 5_000
"""Containers on the list; of more, those that went first are forgotten first."""


class NameList:
    """The list in `folder`; a list of an earlier run is continued, its containers gone for a day at most."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._names = _read(self._path)
        self._written: bytes | None = None
        self._gone: dict[str, float] = {}

    def update(self, present: Mapping[str, Names], now: float) -> bool:
        """Write the list unless it is right; return whether it was written. `now` in seconds of any clock.

        Raises VectorwatchError when it cannot be written.
        """
        for container_id in present:
            self._gone.pop(container_id, None)
        for container_id in self._names.keys() - present.keys():
            self._gone.setdefault(container_id, now)
        spare = MOST - len(present)
        kept = sorted(
            (one for one, since in self._gone.items() if now - since < KEEP_SECONDS),
            key=self._gone.__getitem__,
            reverse=True,
        )[: max(0, spare)]
        self._names = {one: self._names[one] for one in kept} | dict(list(present.items())[:MOST])
        self._gone = {one: self._gone[one] for one in kept}
        content = json.dumps(self._names, sort_keys=True, separators=(",", ":")).encode()
        if content == self._written:
            return False
        self._write(content)
        self._written = content
        return True

    def _write(self, content: bytes) -> None:
        scratch = self._path.with_suffix(".new")
        try:
            scratch.write_bytes(content)
            scratch.chmod(0o644)  # Logstash is another user
            scratch.replace(self._path)
        except OSError as error:
            raise VectorwatchError(
                f"container-names: {self._path} cannot be written: {(error.strerror or '').lower()};"
                " name a folder of ours with `--out`"
            ) from error


def _read(path: Path) -> dict[str, Names]:
    """Return the list of an earlier run, empty when there is none that can be used."""
    try:
        document: Any = json.loads(path.read_bytes())
        return {
            str(key): {str(name): str(text) for name, text in value.items()}
            for key, value in document.items()
        }
    except (AttributeError, OSError, RecursionError, ValueError):
        return {}

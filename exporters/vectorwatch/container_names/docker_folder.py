"""Docker's folder of containers: one folder each, named by the id, with the file `config.v2.json`.

That file also holds the environment of the container, and so its passwords: four values are taken, the rest
is never kept. The fields are those that Docker 28.5 wrote: tests/unit/container_names/fixtures/.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vectorwatch.errors import VectorwatchError

Names = Mapping[str, str]
"""Of a container its `name` and `image`, and `project` and `service` of Compose; absent ones are left out."""

FILE = "config.v2.json"
_ID = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 8 << 20  # the environment stands in it; Linux lets that be a few MiB
_MOST_CHARACTERS = 256
_LABELS = {"project": "com.docker.compose.project", "service": "com.docker.compose.service"}


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was when it was read last."""

    stamp: tuple[int, int, int]
    names: Names | None


class DockerFolder:
    """Reads the folder as often as wanted; a file that has not changed is not read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Read] = {}

    def read(self) -> dict[str, Names]:
        """Return the names of each container by its id. Raises VectorwatchError when they cannot be read."""
        try:
            with os.scandir(self._folder) as entries:
                ids = [entry.name for entry in entries if _ID.fullmatch(entry.name)]
        except OSError as error:
            raise VectorwatchError(_explain(self._folder, error)) from error
        self._known = {one: found for one in ids if (found := self._look(one)) is not None}
        return {one: found.names for one, found in self._known.items() if found.names is not None}

    def _look(self, container_id: str) -> _Read | None:
        path = self._folder / container_id / FILE
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._known.get(container_id)
            if known is not None and known.stamp == stamp:
                return known
            if status.st_size > _MOST_BYTES:
                return _Read(stamp, None)
            return _Read(stamp, _pick(path.read_bytes(), container_id))
        except PermissionError as error:
            raise VectorwatchError(_explain(path, error)) from error
        except OSError:
            return None  # removed meanwhile, or not written yet


def _pick(content: bytes, container_id: str) -> Names | None:
    """Return the four values, or None for what is no description of this container."""
    try:
        document = json.loads(content)
        if document["ID"] != container_id:
            return None
        configuration = document["Config"]
        labels = configuration.get("Labels") or {}
        found = {
            "name": str(document["Name"]).removeprefix("/"),
            "image": str(configuration["Image"]),
            **{key: str(labels[label]) for key, label in _LABELS.items() if label in labels},
        }
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None
    return {key: value[:_MOST_CHARACTERS] for key, value in found.items() if value}


def _explain(path: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, PermissionError):
        return f"container-names: {path}: {reason}; it needs root with the capability DAC_READ_SEARCH"
    return (
        f"container-names: {path}: {reason}; set `DOCKER_ROOT` to what"
        " `docker info --format '{{.DockerRootDir}}'` says"
    )

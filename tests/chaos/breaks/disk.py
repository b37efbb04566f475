"""A volume on a file system of its own, which can be filled without harm to this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.scene import Mend, Scene
from tests.smoke.command import run

_FREE_BYTES = 64 * 2**20
_CHUNKS = (2**20, 4096, 64, 1)
_FILLER = "chaos-filler"


def move_volumes(scene: Scene, volumes: Sequence[str]) -> None:
    """Put volumes on small file systems, with what they hold; their services must be stopped."""
    for volume in volumes:
        if volume not in scene.mounts:
            scene.mounts[volume] = _move(_find(scene, volume), scene.scratch / f"{volume}.ext4")


def fill(scene: Scene, volume: str) -> Mend:
    """Fill a moved volume to the last byte; mending removes the filler."""
    filler = scene.mounts[volume] / _FILLER
    with filler.open("wb", buffering=0) as stream:
        for size in _CHUNKS:
            _write(stream.fileno(), b"\0" * size)
    return filler.unlink


def unmount_all(scene: Scene) -> None:
    """Take the file systems off; no container may use them any more."""
    for place in scene.mounts.values():
        run(["umount", str(place)])
    scene.mounts.clear()


def _find(scene: Scene, volume: str) -> Path:
    name = scene.stage.project.volumes[volume]
    return Path(scene.docker.run("volume", "inspect", "--format", "{{.Mountpoint}}", name).strip())


def _move(place: Path, image: Path) -> Path:
    used = sum(path.lstat().st_blocks * 512 for path in place.rglob("*"))
    with image.open("wb") as stream:
        # The journal and the tables of a small ext4 take a part.
        stream.truncate(int(used * 1.1) + _FREE_BYTES)
    run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)])
    moved = image.with_suffix(".old")
    shutil.rmtree(moved, ignore_errors=True)
    run(["cp", "-a", str(place), str(moved)])
    run(["mount", "-o", "loop", str(image), str(place)])
    (place / "lost+found").rmdir()
    run(["cp", "-a", f"{moved}/.", str(place)])
    shutil.rmtree(moved)
    return place


def _write(number: int, content: bytes) -> None:
    try:
        while os.write(number, content):
            pass
    except OSError:
        return

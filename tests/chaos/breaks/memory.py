"""A container's memory used up by a process that the kernel does not choose."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

from tests.chaos.scene import Mend, Scene
from tests.smoke.stage import CheckError

_LIMIT_SECONDS = 60.0
_LOOK_SECONDS = 0.02
_HOG = """
import sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text("0")
held = []
while True:
    held.append(b"x" * 4194304)
"""
_ROOT = Path("/sys/fs/cgroup")


def starve(scene: Scene, service: str) -> Mend:
    """Fill the cgroup of a container until its main process is gone. Raises CheckError."""
    process = Path("/proc", str(scene.containers[service].process_id))
    folder = find_memory_cgroup((process / "cgroup").read_text())
    for number in (folder / "cgroup.procs").read_text().split():
        # The kernel takes those first; sparing the hog instead needs a right that not every machine gives.
        Path("/proc", number, "oom_score_adj").write_text("1000")
    hog = subprocess.Popen([sys.executable, "-c", _HOG, str(folder)])
    try:
        deadline = monotonic() + _LIMIT_SECONDS
        while _lives(process):
            if monotonic() > deadline:
                raise CheckError(f"the kernel does not kill {service} without memory", [service])
            sleep(_LOOK_SECONDS)
    finally:
        hog.kill()
        hog.wait()
    return lambda: None


def find_memory_cgroup(text: str, root: Path = _ROOT) -> Path:
    """Return the folder of the cgroup that limits memory, from `/proc/<id>/cgroup` of version 1 or 2."""
    rows = [line.split(":", 2) for line in text.splitlines()]
    for _, controllers, path in rows:
        if "memory" in controllers.split(","):
            return root / "memory" / path.lstrip("/")
    return root / next(path for number, _, path in rows if number == "0").lstrip("/")


def _lives(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False

"""What Linux tells of this process; zero where there is no /proc."""

from __future__ import annotations

import os
import resource
from pathlib import Path


def read_resident_bytes() -> int:
    """Return the resident set size."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def count_open_files() -> int:
    """Return the number of open file descriptors."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def read_open_files_limit() -> int:
    """Return the soft limit of open file descriptors."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def count_threads() -> int:
    """Return the number of threads, the engine's own included."""
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.exists() else 0

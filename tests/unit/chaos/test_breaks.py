"""The parts of breaks that need no engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.breaks.memory import find_memory_cgroup

VERSION_1 = "12:cpu,cpuacct:/docker/a1\n4:memory:/docker/a1\n1:name=systemd:/docker/a1\n0::/system/docker\n"
VERSION_2 = "0::/system.slice/docker-a1.scope\n"


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (VERSION_1, "/sys/fs/cgroup/memory/docker/a1"),
        (VERSION_2, "/sys/fs/cgroup/system.slice/docker-a1.scope"),
    ],
)
def test_the_cgroup_that_limits_memory_is_found_in_both_versions(text: str, folder: str) -> None:
    assert find_memory_cgroup(text) == Path(folder)

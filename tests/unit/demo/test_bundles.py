from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.demo.bundles import read_version, write_version

# What the programs print, recorded from Debian's builds; redis_exporter writes to stderr.
TOLD = {
    "prometheus": ("prometheus, version 3.5.3+ds1 (branch: debian/sid, revision: 3.5.3+ds1-6)", "", (3, 5)),
    "prometheus of Debian 12": ("prometheus, version 2.42.0+ds (branch: debian/sid)", "", (2, 42)),
    "alertmanager": ("alertmanager, version 0.33.1 (branch: debian/sid, revision: 0.33.1-5)", "", (0, 33)),
    "redis-server": ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "", (7, 0)),
    "redis_exporter": (
        "",
        'time="2026-11-22T13:09:11Z" level=info msg="Redis Metrics Exporter 1.86.0-1    build date: 2026"',
        (1, 86),
    ),
    "redis_exporter upstream": ("", 'msg="Redis Metrics Exporter v1.62.0    build date: 2024"', (1, 62)),
    "docker-compose of Debian": ("Docker Compose version 2.40.3-3", "", (2, 40)),
    "docker-compose upstream": ("Docker Compose version v5.4.0", "", (5, 4)),
    "docker-compose of old": ("docker-compose version 1.29.2, build unknown", "", (1, 29)),
    "no version": ("hello", "", None),
}


def write_program(path: Path, stdout: str, stderr: str, exit_code: int = 0) -> Path:
    path.write_text(f"#!/bin/sh\necho '{stdout}'\necho '{stderr}' >&2\nexit {exit_code}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("stdout", "stderr", "version"), TOLD.values(), ids=TOLD.keys())
def test_versions_are_read_as_programs_print_them(
    tmp_path: Path, stdout: str, stderr: str, version: tuple[int, int] | None
) -> None:
    assert read_version(write_program(tmp_path / "program", stdout, stderr)) == version


def test_a_program_that_fails_has_no_version(tmp_path: Path) -> None:
    assert read_version(write_program(tmp_path / "program", "prometheus, version 3.5.3", "", 1)) is None


def test_a_file_that_cannot_be_executed_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "program").chmod(0o755)
    assert read_version(tmp_path / "program") is None
    assert read_version(tmp_path / "nothing") is None


def test_versions_compare_as_numbers() -> None:
    assert (2, 100) < (3, 0)
    assert write_version((3, 5)) == "3.5"

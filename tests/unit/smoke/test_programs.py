from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.smoke.engine.programs import OpenSuite, ProgramsError, fetch_programs
from vectorwatch.demo.debian import HOST, NoMirrorError, Package, PackageError, Say


class Suite:
    """Stands in for an archive: every package holds the files that its name stands for here."""

    def __init__(self, name: str, dockerd: str) -> None:
        self._name = name
        self._files = {
            "docker.io": {"usr/sbin/dockerd": dockerd},
            "docker-compose": {"usr/libexec/docker/cli-plugins/docker-compose": "#!/bin/sh\n"},
            "iptables": {"usr/lib/x86_64-linux-gnu/xtables/libxt_a.so": "", "usr/sbin/iptables-nft": ""},
        }

    def list_packages(self, names: Sequence[str], *, with_libraries: bool) -> list[Package]:
        return [Package(name, "1", 1) for name in names]

    def unpack(self, package: Package, destination: Path, say: Say) -> None:
        for path, content in self._files.get(package.name, {}).items():
            (destination / path).parent.mkdir(parents=True, exist_ok=True)
            (destination / path).write_text(content)
            (destination / path).chmod(0o755)

    def __str__(self) -> str:
        return self._name


def _open(**dockerd_by_suite: str) -> OpenSuite:
    opened: list[str] = []

    def open_suite(suite: str, folder: Path, say: Say) -> Suite:
        opened.append(suite)
        if suite not in dockerd_by_suite:
            raise NoMirrorError(f"no mirror of {suite}")
        return Suite(suite, dockerd_by_suite[suite])

    open_suite.opened = opened  # type: ignore[attr-defined]
    return open_suite  # type: ignore[return-value]


_RUNS = "#!/bin/sh\necho Docker version 28\n"
_NEEDS_A_NEWER_LIBC = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def say() -> Say:
    said: list[str] = []
    return said.append


def test_the_newest_engine_that_runs_here_is_taken(tmp_path: Path, say: Say) -> None:
    open_suite = _open(**{HOST: _RUNS, "unstable": _NEEDS_A_NEWER_LIBC, "testing": _RUNS})
    fetch_programs(tmp_path, say, open_suite)
    assert open_suite.opened == [HOST, "unstable", "testing"]  # type: ignore[attr-defined]


def test_what_was_fetched_is_not_fetched_again(tmp_path: Path, say: Say) -> None:
    fetch_programs(tmp_path, say, _open(**{HOST: _RUNS, "unstable": _RUNS}))
    again = _open()
    fetch_programs(tmp_path, say, again)
    assert again.opened == []  # type: ignore[attr-defined]


def test_programs_find_their_own_files_and_plug_ins(tmp_path: Path, say: Say) -> None:
    programs = fetch_programs(tmp_path, say, _open(**{HOST: _RUNS, "unstable": _RUNS}))
    environment = programs.extend({"PATH": "/somewhere", "HOME": "/root"})
    assert environment["HOME"] == "/root"
    assert environment["PATH"].startswith(f"{tmp_path}/bin:")
    assert environment["XTABLES_LIBDIR"] == f"{tmp_path}/host/usr/lib/x86_64-linux-gnu/xtables"
    assert (tmp_path / "bin" / "iptables").is_file()
    assert (programs.configuration / "cli-plugins" / "docker-compose").is_file()


def test_a_folder_that_was_moved_still_works(tmp_path: Path, say: Say) -> None:
    fetch_programs(tmp_path / "old", say, _open(**{HOST: _RUNS, "unstable": _RUNS}))
    (tmp_path / "old").rename(tmp_path / "new")
    programs = fetch_programs(tmp_path / "new", say, _open())
    assert (programs.configuration / "cli-plugins" / "docker-compose").is_file()


def test_without_an_engine_one_line_tells_why(tmp_path: Path, say: Say) -> None:
    open_suite = _open(**{HOST: _NEEDS_A_NEWER_LIBC, "testing": _NEEDS_A_NEWER_LIBC})
    with pytest.raises(
        ProgramsError, match="no mirror of unstable; dockerd of testing does not run"
    ) as caught:
        fetch_programs(tmp_path, say, open_suite)
    assert "\n" not in str(caught.value)
    with pytest.raises(ProgramsError):
        # Half of it must not pass for all of it.
        fetch_programs(tmp_path, say, open_suite)


def test_a_machine_without_apt_is_told_so(tmp_path: Path, say: Say) -> None:
    def open_suite(suite: str, folder: Path, say: Say) -> Suite:
        raise PackageError("this machine has no apt-get")

    with pytest.raises(ProgramsError, match="this machine has no apt-get; start a Docker engine"):
        fetch_programs(tmp_path, say, open_suite)  # type: ignore[arg-type]

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from vectorwatch.demo.bundles import Bundle
from vectorwatch.demo.debian import NoMirrorError, PackageError, PrivateApt, Say
from vectorwatch.demo.toolbox import Toolbox

from .signed_archive import SignedArchive

BUNDLE = Bundle({"hello": ("greeter", "hello")}, ("hello",), minimum=(1, 2), suites=("unstable", "testing"))


def hello(version: str) -> dict[str, str]:
    return {"usr/bin/greeter": f"#!/bin/sh\necho hello, version {version}\n"}


@pytest.fixture
def toolbox(archive: SignedArchive, tmp_path: Path, said: list[str]) -> Toolbox:
    def open_test_suite(suite: str, folder: Path, say: Say) -> PrivateApt:
        return PrivateApt(f"Debian {suite}", archive.source_line(), folder, say)

    return Toolbox(tmp_path / "tools", said.append, open_test_suite)


def test_a_filled_toolbox_has_the_program(toolbox: Toolbox, archive: SignedArchive, tmp_path: Path) -> None:
    archive.add("hello", "1.2", hello("1.2"))
    assert toolbox.find("hello", BUNDLE) is None
    toolbox.fill([BUNDLE])
    assert toolbox.find("hello", BUNDLE) == tmp_path / "tools" / "bin" / "hello"
    assert sorted(path.name for path in (tmp_path / "tools").iterdir()) == ["bin", "lock", "packages"]


def test_what_is_here_is_not_fetched_again(toolbox: Toolbox, archive: SignedArchive, said: list[str]) -> None:
    archive.add("hello", "1.2", hello("1.2"))
    toolbox.fill([BUNDLE])
    said.clear()
    toolbox.fill([BUNDLE])
    assert said == []


def test_a_version_that_became_too_old_is_replaced(toolbox: Toolbox, archive: SignedArchive) -> None:
    archive.add("hello", "1.2", hello("1.2"))
    toolbox.fill([BUNDLE])
    newer = Bundle(BUNDLE.programs, BUNDLE.packages, minimum=(2, 0), suites=BUNDLE.suites)
    assert toolbox.find("hello", newer) is None
    archive.add("hello", "2.1", hello("2.1"))
    toolbox.fill([newer])
    assert toolbox.find("hello", newer) is not None


def test_two_that_fill_at_once_fetch_once(toolbox: Toolbox, archive: SignedArchive, said: list[str]) -> None:
    archive.add("hello", "1.2", hello("1.2"))
    fillers = [threading.Thread(target=toolbox.fill, args=([BUNDLE],)) for _ in range(3)]
    for filler in fillers:
        filler.start()
    for filler in fillers:
        filler.join()
    assert len([line for line in said if line.startswith("tools: hello 1.2")]) == 1
    assert toolbox.find("hello", BUNDLE) is not None


def test_what_a_killed_run_left_is_cleared(toolbox: Toolbox, archive: SignedArchive, tmp_path: Path) -> None:
    archive.add("hello", "1.2", hello("1.2"))
    left = tmp_path / "tools" / "fetching" / "apt-unstable"
    left.mkdir(parents=True)
    toolbox.fill([BUNDLE])
    assert toolbox.find("hello", BUNDLE) is not None
    assert not left.exists()


def test_an_older_program_is_not_installed(toolbox: Toolbox, archive: SignedArchive) -> None:
    archive.add("hello", "1.1", hello("1.1"))
    with pytest.raises(PackageError) as caught:
        toolbox.fill([BUNDLE])
    assert str(caught.value) == (
        "hello of Debian unstable is 1.1, older than 1.2; hello of Debian testing is 1.1, older than 1.2"
    )
    assert toolbox.find("hello", BUNDLE) is None


def test_a_program_that_does_not_run_here_is_not_installed(toolbox: Toolbox, archive: SignedArchive) -> None:
    archive.add("hello", "1.2", {"usr/bin/hello": "#!/no/such/interpreter\n"})
    with pytest.raises(PackageError, match="hello of Debian unstable does not run on this machine"):
        toolbox.fill([BUNDLE])


def test_a_package_without_the_program_is_told(toolbox: Toolbox, archive: SignedArchive) -> None:
    archive.add("hello", "1.2", {"usr/bin/other": ""})
    with pytest.raises(PackageError, match="package hello holds no program hello"):
        toolbox.fill([BUNDLE])


def test_the_next_suite_helps_where_the_first_has_no_mirror(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2", hello("1.2"))

    def open_test_suite(suite: str, folder: Path, say: Say) -> PrivateApt:
        if suite == "unstable":
            raise NoMirrorError("no mirror")
        return PrivateApt(f"Debian {suite}", archive.source_line(), folder, say)

    toolbox = Toolbox(tmp_path / "tools", said.append, open_test_suite)
    toolbox.fill([BUNDLE])
    assert toolbox.find("hello", BUNDLE) is not None


def test_a_mirror_out_of_reach_is_asked_once(tmp_path: Path, said: list[str]) -> None:
    asked: list[str] = []

    def refuse(suite: str, folder: Path, say: Say) -> PrivateApt:
        asked.append(suite)
        raise PackageError(f"Debian {suite} cannot be read")

    with pytest.raises(PackageError, match=r"^Debian unstable cannot be read$"):
        Toolbox(tmp_path / "tools", said.append, refuse).fill([BUNDLE])
    assert asked == ["unstable"]

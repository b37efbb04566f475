from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from vectorwatch.demo import debian
from vectorwatch.demo.debian import HOST, NoMirrorError, PackageError, PrivateApt, find_mirrors, open_suite
from vectorwatch.demo.ports import find_free_ports

from .signed_archive import SUITE, SignedArchive

HELLO = {"usr/bin/hello": "#!/bin/sh\necho hello, version 1.2\n"}


def open_archive(archive: SignedArchive, folder: Path, said: list[str]) -> PrivateApt:
    return PrivateApt("the test archive", archive.source_line(), folder, said.append)


def fetch(apt: PrivateApt, name: str, destination: Path, said: list[str]) -> None:
    for package in apt.list_packages([name], with_libraries=False):
        apt.unpack(package, destination, said.append)


def test_a_signed_package_is_fetched_and_unpacked(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    fetch(open_archive(archive, tmp_path / "apt", said), "hello", tmp_path / "out", said)
    assert (tmp_path / "out/usr/bin/hello").read_text() == HELLO["usr/bin/hello"]


def test_each_step_says_its_size_and_seconds(archive: SignedArchive, tmp_path: Path, said: list[str]) -> None:
    archive.add("hello", "1.2-3", HELLO)
    fetch(open_archive(archive, tmp_path / "apt", said), "hello", tmp_path / "out", said)
    assert said[0].startswith("tools: index of the test archive: ")
    assert said[1].startswith("tools: hello 1.2-3: 0.0 MB in ")
    assert len(said) == 2


def test_the_newest_version_is_taken(archive: SignedArchive, tmp_path: Path, said: list[str]) -> None:
    for version in ("1.9", "1.10", "1.2"):
        archive.add("hello", version, HELLO)
    apt = open_archive(archive, tmp_path / "apt", said)
    assert [package.version for package in apt.list_packages(["hello"], with_libraries=False)] == ["1.10"]


def test_an_index_changed_after_signing_is_refused(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    release = archive.root / "dists" / SUITE / "InRelease"
    release.write_text(release.read_text().replace("Origin: Test", "Origin: Evil"))
    with pytest.raises(PackageError, match="cannot be read"):
        open_archive(archive, tmp_path / "apt", said)


def test_an_index_without_signature_is_refused(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    (archive.root / "dists" / SUITE / "InRelease").unlink()
    with pytest.raises(PackageError, match="cannot be read"):
        open_archive(archive, tmp_path / "apt", said)


def test_an_index_signed_by_a_stranger_is_refused(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    (tmp_path / "stranger").mkdir()
    stranger = SignedArchive(tmp_path / "stranger", archive.address)
    source = archive.source_line().replace(str(archive.keyring), str(stranger.keyring))
    with pytest.raises(PackageError, match="cannot be read"):
        PrivateApt("the test archive", source, tmp_path / "apt", said.append)


def test_a_package_changed_after_signing_is_refused(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    package = archive.root / "pool" / "hello_1.2-3_all.deb"
    package.write_bytes(bytes([*package.read_bytes()[:-1], 0xFF]))
    apt = open_archive(archive, tmp_path / "apt", said)
    with pytest.raises(PackageError):
        fetch(apt, "hello", tmp_path / "out", said)
    assert not (tmp_path / "out").exists()


def test_an_index_past_its_date_is_accepted(archive: SignedArchive, tmp_path: Path, said: list[str]) -> None:
    archive.add("hello", "1.2-3", HELLO)
    archive.publish(valid_until=f"Valid-Until: {formatdate(1e9, usegmt=True)}\n")
    assert open_archive(archive, tmp_path / "apt", said).list_packages(["hello"], with_libraries=False)


def test_libraries_that_the_host_lacks_come_along(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("vectorwatch-test-library", "1", {"usr/lib/libtest.so.1": ""})
    archive.add("hello", "1.2-3", HELLO, depends="vectorwatch-test-library, dpkg")
    apt = open_archive(archive, tmp_path / "apt", said)
    packages = apt.list_packages(["hello"], with_libraries=True)
    assert {package.name for package in packages} == {"hello", "vectorwatch-test-library"}


def test_a_package_the_archive_lacks_is_named(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    with pytest.raises(PackageError, match="Unable to locate package goodbye"):
        open_archive(archive, tmp_path / "apt", said).list_packages(["goodbye"], with_libraries=False)


def test_the_hosts_own_state_is_not_touched(archive: SignedArchive, tmp_path: Path, said: list[str]) -> None:
    archive.add("hello", "1.2-3", HELLO)
    lists = Path("/var/lib/apt/lists")
    before = {path: path.stat().st_mtime_ns for path in (lists, *lists.iterdir())}
    fetch(open_archive(archive, tmp_path / "apt", said), "hello", tmp_path / "out", said)
    assert {path: path.stat().st_mtime_ns for path in (lists, *lists.iterdir())} == before


def test_a_mirror_that_does_not_answer_gives_one_line_without_its_password(
    archive: SignedArchive, tmp_path: Path, said: list[str]
) -> None:
    port = find_free_ports(1)[0]
    source = archive.source_line().replace(archive.address, f"http://user:secret@127.0.0.1:{port}")
    with pytest.raises(PackageError) as caught:
        PrivateApt("the test archive", source, tmp_path / "apt", said.append)
    message = str(caught.value)
    assert f"http://127.0.0.1:{port}/" in message
    assert "secret" not in message
    assert "\n" not in message
    assert (tmp_path / "apt/sources.list").stat().st_mode & 0o077 == 0


def test_without_apt_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match="this machine has no apt-get"):
        open_suite(HOST, tmp_path / "apt", print)


@pytest.fixture
def host_sources(
    archive: SignedArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Let apt believe that the host's sources are these: `host_sources("sources.list", "deb …")`."""

    def write(name: str, text: str) -> None:
        parts = tmp_path / "sources.list.d"
        parts.mkdir()
        (parts / name).write_text(text)
        configuration = tmp_path / "host-apt.conf"
        configuration.write_text(f'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "{parts}";\n')
        monkeypatch.setenv("APT_CONFIG", str(configuration))

    return write


def test_the_mirror_is_the_one_the_host_uses(host_sources: Callable[..., None], tmp_path: Path) -> None:
    host_sources(
        "debian.list",
        "deb http://security.example/debian-security bookworm-security main\n"
        "deb http://mirror.example/debian bookworm main\n"
        "deb http://mirror.example/debian bookworm-backports main\n"
        "deb http://tools.example/debian bookworm stable\n",
    )
    assert find_mirrors(tmp_path / "state") == ["http://mirror.example/debian"]


def test_the_mirror_is_found_in_deb822_sources_too(host_sources: Callable[..., None], tmp_path: Path) -> None:
    host_sources(
        "debian.sources",
        "Types: deb\nURIs: https://mirror.example/some/debian\n"
        "Suites: trixie trixie-updates\nComponents: main\n",
    )
    assert find_mirrors(tmp_path / "state") == ["https://mirror.example/some/debian"]


def test_a_host_without_a_mirror_is_told(host_sources: Callable[..., None], tmp_path: Path) -> None:
    host_sources("other.list", "deb http://tools.example/apt any thing\n")
    with pytest.raises(NoMirrorError, match="apt sources name no Debian mirror"):
        find_mirrors(tmp_path / "state")


def test_a_host_without_debians_keyring_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian, "_KEYRINGS", (tmp_path / "none.gpg",))
    with pytest.raises(NoMirrorError, match="no Debian archive keyring"):
        open_suite("unstable", tmp_path / "apt", print)


def test_a_suite_is_read_from_the_hosts_mirror_and_checked_with_debians_keyring(
    archive: SignedArchive,
    host_sources: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    said: list[str],
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    host_sources("debian.list", f"deb {archive.address} bookworm main\n")
    monkeypatch.setattr(debian, "_KEYRINGS", (archive.keyring,))
    apt = open_suite(SUITE, tmp_path / "apt", said.append)
    assert str(apt) == "Debian unstable"
    assert [package.name for package in apt.list_packages(["hello"], with_libraries=False)] == ["hello"]


def test_the_hosts_own_suites_are_read_as_they_are_configured(
    archive: SignedArchive, host_sources: Callable[..., None], tmp_path: Path, said: list[str]
) -> None:
    archive.add("hello", "1.2-3", HELLO)
    host_sources("own.list", archive.source_line())
    apt = open_suite(HOST, tmp_path / "apt", said.append)
    assert [package.name for package in apt.list_packages(["hello"], with_libraries=False)] == ["hello"]

"""What is written comes back; what is not whole, or none of ours, is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from vectorwatch.backup.manifest import MANIFEST, Manifest
from vectorwatch.backup.reading import UNFINISHED, check, copy_files, fill, list_filled
from vectorwatch.backup.writing import Writer, measure
from vectorwatch.errors import VectorwatchError

BLOCK = "prometheus_data/01HV0000000000000000000000/chunks/000001"


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    root = tmp_path / "volumes"
    for name, content in {BLOCK: b"chunk" * 999, "prometheus_data/wal/00000001": b"log"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "grafana_data").mkdir()
    database = sqlite3.connect(root / "grafana_data" / "grafana.db")
    database.execute("create table kept (value text)")
    database.execute("insert into kept values ('here')")
    database.commit()
    database.close()
    secret = root / "grafana_secrets" / "admin_password"
    secret.parent.mkdir(mode=0o750)
    secret.write_text("hush")
    secret.chmod(0o400)
    return root


@pytest.fixture
def archive(volumes: Path, tmp_path: Path) -> bytes:
    checkout = tmp_path / "checkout"
    (checkout / "prometheus" / "targets").mkdir(parents=True)
    (checkout / ".env").write_text("LOGS=0\n")
    (checkout / "prometheus" / "targets" / "qdrant.yml").write_text("- targets: []\n")
    (checkout / "README.md").write_text("not yours")
    output = io.BytesIO()
    writer = Writer(output, print)
    writer.add_blocks(volumes)
    writer.add_files(checkout)
    writer.add_volumes(volumes)
    writer.close("abc", "prometheus")
    return output.getvalue()


@pytest.fixture
def emptied(volumes: Path, tmp_path: Path) -> Path:
    root = tmp_path / "emptied"
    for volume in volumes.iterdir():
        (root / volume.name).mkdir(parents=True)
    return root


def look(root: Path) -> Mapping[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in root.rglob("*")
    }


def test_what_was_in_the_volumes_comes_back_with_modes_and_owners(
    archive: bytes, volumes: Path, emptied: Path
) -> None:
    given: dict[str, tuple[int, int]] = {}
    fill(io.BytesIO(archive), emptied, lambda path, uid, gid: given.update({path.name: (uid, gid)}))
    assert look(emptied) == look(volumes)
    assert given["admin_password"] == given["grafana_secrets"] == (os.getuid(), os.getgid())
    database = sqlite3.connect(emptied / "grafana_data" / "grafana.db")
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    assert database.execute("select value from kept").fetchone() == ("here",)
    database.close()


def test_a_whole_archive_says_what_it_is(archive: bytes) -> None:
    manifest = check(io.BytesIO(archive))
    assert (manifest.commit, manifest.images) == ("abc", "prometheus")
    assert manifest.list_volumes() == ["grafana_data", "grafana_secrets", "prometheus_data"]


def test_a_persons_own_files_are_handed_on_and_no_others(archive: bytes) -> None:
    output = io.BytesIO()
    copy_files(io.BytesIO(archive), output)
    output.seek(0)
    with tarfile.open(fileobj=output) as tar:
        assert tar.getnames() == [".env", "prometheus/targets/qdrant.yml"]


def _reads_the_same(changed: bytes, archive: bytes) -> bool:
    try:
        return gzip.decompress(changed) == gzip.decompress(archive)
    except (OSError, EOFError, zlib.error):
        return False


def test_a_changed_byte_is_refused_wherever_it_is(archive: bytes) -> None:
    for place in range(10, len(archive), max(1, len(archive) // 200)):  # the first ten are gzip's head
        changed = bytearray(archive)
        changed[place] ^= 0x10
        if _reads_the_same(bytes(changed), archive):  # bits that pad to a byte mean nothing
            continue
        with pytest.raises(VectorwatchError, match="restore: "):
            check(io.BytesIO(bytes(changed)))


def test_a_changed_file_is_refused_even_when_all_checksums_of_gzip_are_right(archive: bytes) -> None:
    changed = gzip.compress(gzip.decompress(archive).replace(b"hush", b"loud"))
    with pytest.raises(
        VectorwatchError, match="volumes/grafana_secrets/admin_password is not what was written"
    ):
        check(io.BytesIO(changed))


def test_a_cut_archive_is_refused_wherever_it_ends(archive: bytes) -> None:
    for end in range(0, len(archive), max(1, len(archive) // 100)):
        with pytest.raises(VectorwatchError, match="restore: "):
            check(io.BytesIO(archive[:end]))


def forge(*members: tarfile.TarInfo, manifest: bytes | None = None) -> io.BytesIO:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
        content = Manifest("now", "abc", "", {}).encode() if manifest is None else manifest
        last = tarfile.TarInfo(MANIFEST)
        last.size = len(content)
        tar.addfile(last, io.BytesIO(content))
    output.seek(0)
    return output


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "volumes/../../x", "elsewhere/x", "volumes"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(VectorwatchError, match="leads out of the archive"):
        check(forge(tarfile.TarInfo(name)))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes) -> None:
    member = tarfile.TarInfo("volumes/prometheus_data/x")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(VectorwatchError, match="link or device"):
        check(forge(member))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b'{"format": 2}', "has format 2, this version reads 1"),
        (b"[]", "none of ours"),
        (b"{", "none of ours"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(manifest: bytes, words: str) -> None:
    with pytest.raises(VectorwatchError, match=words):
        check(forge(manifest=manifest))


def test_volumes_that_hold_data_are_named_and_left_alone(archive: bytes, volumes: Path) -> None:
    before = look(volumes)
    with pytest.raises(VectorwatchError, match="hold data: grafana_data, grafana_secrets, prometheus_data;"):
        fill(io.BytesIO(archive), volumes)
    assert look(volumes) == before


def test_an_interrupted_restore_can_be_made_again(archive: bytes, volumes: Path, emptied: Path) -> None:
    def fail(path: Path, uid: int, gid: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(io.BytesIO(archive), emptied, fail)
    assert (emptied / "prometheus_data" / UNFINISHED).exists()
    assert list_filled(emptied) == []
    fill(io.BytesIO(archive), emptied)
    assert look(emptied) == look(volumes)


def test_blocks_are_copied_before_the_pause_and_nothing_else_is(volumes: Path) -> None:
    (volumes / BLOCK).with_name("000002").symlink_to("nowhere")
    output = io.BytesIO()
    writer = Writer(output, print)
    writer.add_blocks(volumes)
    writer.close("abc", "")
    output.seek(0)
    assert check(output).sha256.keys() == {f"volumes/{BLOCK}"}


def test_the_size_is_that_of_all_files(volumes: Path) -> None:
    assert measure(volumes) == sum(len(content) for _, content in look(volumes).values())


def test_a_block_that_goes_before_the_pause_keeps_its_owners(volumes: Path, emptied: Path) -> None:
    block = (volumes / BLOCK).parents[1]
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in (block, *block.rglob("*"))}
    output = io.BytesIO()
    writer = Writer(output, print)
    writer.add_blocks(volumes)
    shutil.rmtree(block)
    writer.add_volumes(volumes)
    writer.close("abc", "")
    given: dict[str, tuple[int, int]] = {}
    output.seek(0)
    fill(output, emptied, lambda path, uid, gid: given.update({path.name: (uid, gid)}))
    assert given.items() >= owners.items()


def test_the_hole_at_the_end_of_a_file_is_not_read_and_comes_back(volumes: Path, emptied: Path) -> None:
    grown = volumes / "prometheus_data" / "000001.vlog"
    grown.write_bytes(b"x" * 4096)
    os.truncate(grown, 2**31)
    with grown.open("rb") as content:
        os.fsync(content.fileno())
    assert measure(volumes) < 2**20
    output = io.BytesIO()
    writer = Writer(output, print)
    writer.add_volumes(volumes)
    writer.close("abc", "")
    assert check(io.BytesIO(output.getvalue())).sha256["volumes/prometheus_data/000001.vlog"] == (
        hashlib.sha256(b"x" * 4096).hexdigest()
    )
    fill(io.BytesIO(output.getvalue()), emptied)
    status = (emptied / "prometheus_data" / "000001.vlog").stat()
    assert (status.st_size, status.st_blocks * 512 < 2**20) == (2**31, True)

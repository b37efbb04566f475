"""`vectorwatch backup`: what scripts/backup and scripts/restore run."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from vectorwatch.backup.manifest import SNAPSHOTS
from vectorwatch.backup.reading import UNFINISHED
from vectorwatch.backup.writing import Writer
from vectorwatch.cli import cli
from vectorwatch.errors import VectorwatchError


def run(*arguments: str, content: bytes = b"") -> Result:
    return CliRunner().invoke(cli, ["backup", *arguments], input=content)


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    root = tmp_path / "volumes"
    for name in ("prometheus_data/wal/1", f"{SNAPSHOTS}/index-0", f"{SNAPSHOTS}/indices/a/0/snap.dat"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def make_archive(volumes: Path, *, logs: bool) -> bytes:
    output = io.BytesIO()
    writer = Writer(output, print)
    if logs:
        writer.add_snapshots(volumes)
    writer.add_volumes(volumes)
    writer.close("abc", "")
    return output.getvalue()


@pytest.mark.parametrize(("logs", "words"), [(True, "2 files"), (False, "1 files")])
def test_an_archive_says_whether_it_has_logs(volumes: Path, logs: bool, words: str) -> None:
    done = run("check", content=make_archive(volumes, logs=logs))
    assert done.exit_code == 0
    assert (SNAPSHOTS in done.stdout.split()) is logs
    assert f"all whole, {'with' if logs else 'without'} logs" in done.stderr


def test_logs_that_are_left_out_are_not_measured(volumes: Path) -> None:
    assert run("size", f"--volumes={volumes}").stdout == "3\n"
    assert run("size", f"--volumes={volumes}", "--no-logs").stdout == "1\n"


def test_what_holds_data_is_listed_and_cleared_and_an_unfinished_restore_is_neither(volumes: Path) -> None:
    (volumes / "unfinished").mkdir()
    for name in (UNFINISHED, "half"):
        (volumes / "unfinished" / name).touch()
    (volumes / SNAPSHOTS / "link").symlink_to(volumes / "prometheus_data")
    (volumes / "empty").mkdir()
    assert run("filled", f"--volumes={volumes}").stdout.split() == [SNAPSHOTS, "prometheus_data"]
    assert run("clear", f"--volumes={volumes}").exit_code == 0
    assert run("filled", f"--volumes={volumes}").stdout == ""
    assert [path.name for path in volumes.rglob("*") if not path.is_dir()] == [UNFINISHED]


def test_an_archive_is_told_to_node_exporter_in_a_file_that_anybody_may_read(tmp_path: Path) -> None:
    (tmp_path / "mine.prom").write_text("mine 1\n")
    assert run("record", f"--folder={tmp_path}", "--size=734003200", "--seconds=95").exit_code == 0
    assert run("record", f"--folder={tmp_path}").exit_code == 0
    found = {}
    for path in tmp_path.glob("vectorwatch*.prom"):
        assert path.stat().st_mode & 0o777 == 0o644
        for family in text_string_to_metric_families(path.read_text()):
            found[family.name] = family.samples[0].value
    success = found.pop("vectorwatch_backup_last_success_timestamp_seconds")
    assert found.pop("vectorwatch_backup_last_failure_timestamp_seconds") >= success > 1.7e9
    assert found == {"vectorwatch_backup_size_bytes": 734003200, "vectorwatch_backup_duration_seconds": 95}
    assert (tmp_path / "mine.prom").read_text() == "mine 1\n"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("record", f"--folder={tmp_path / 'file'}", "--size=1")
    assert isinstance(done.exception, VectorwatchError)
    assert str(done.exception).startswith(f"backup: {tmp_path / 'file'}")


def test_a_disk_that_is_full_ends_a_restore_in_one_line(volumes: Path, tmp_path: Path) -> None:
    """`ulimit -f`: a write past the limit is refused, as by a full disk."""
    (volumes / "prometheus_data" / "wal" / "2").write_bytes(bytes(range(256)) * 2**12)
    archive = make_archive(volumes, logs=True)
    emptied = tmp_path / "emptied"
    for volume in volumes.iterdir():
        (emptied / volume.name).mkdir(parents=True)
    script = (
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); import vectorwatch.cli as c; c.main()"
    )
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "limited"]
    done = subprocess.run(
        [*limited, sys.executable, "-c", script, "backup", "restore", f"--volumes={emptied}"],
        input=archive,
        capture_output=True,
        timeout=120,
    )
    said = done.stderr.decode()
    assert done.returncode != 0
    assert said.startswith("restore: ")
    assert "File too large" in said
    assert said.count("\n") == 1
    assert (emptied / "prometheus_data" / UNFINISHED).exists()

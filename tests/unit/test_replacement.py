from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vectorwatch.replacement import replace_files


def test_a_folder_holds_the_files_and_no_others_that_match(tmp_path: Path) -> None:
    (tmp_path / "old.yml").touch()
    (tmp_path / "note.txt").touch()
    replace_files({"a.yml": "1", "deep/b.yml": "2"}, tmp_path, "**/*.yml")
    found = {
        str(path.relative_to(tmp_path)): path.read_text(encoding="utf-8")
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == {"a.yml": "1", "deep/b.yml": "2", "note.txt": ""}
    assert (tmp_path / "a.yml").stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_written_whole_leaves_all_as_it_was(tmp_path: Path) -> None:
    replace_files({"a.yml": "1"}, tmp_path, "*.yml")
    (tmp_path / "full").touch()
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        replace_files({"a.yml": "2", "full/b.yml": "2"}, tmp_path, "*.yml")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "a.yml": "1",
        "full": "",
    }


def test_a_full_disk_is_named_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    (tmp_path / f".b.yml.{os.getpid()}").symlink_to("/dev/full")  # where b.yml is written at first
    with pytest.raises(OSError, match="No space left") as error:
        replace_files({"a.yml": "1", "b.yml": "2"}, tmp_path, "*.yml")
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path))
    assert list(tmp_path.iterdir()) == []

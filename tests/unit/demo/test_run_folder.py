from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.demo.run_folder import open_run_folder
from vectorwatch.errors import VectorwatchError


def test_a_run_has_a_folder_that_other_users_cannot_read(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / ".demo") as folder:
        assert folder.parent == tmp_path / ".demo"
        assert folder.stat().st_mode & 0o077 == 0


def test_its_logs_can_be_read_after_the_end(tmp_path: Path) -> None:
    with open_run_folder(tmp_path) as folder:
        (folder / "a.log").write_text("what happened")
    assert (folder / "a.log").read_text() == "what happened"


def test_the_next_run_removes_what_has_ended_only(tmp_path: Path) -> None:
    with open_run_folder(tmp_path) as ended:
        pass
    with open_run_folder(tmp_path) as running:
        (running / "a.log").touch()
        with open_run_folder(tmp_path) as next_run:
            assert {running, next_run} == set(tmp_path.iterdir())
            assert (running / "a.log").exists()
    assert not ended.exists()


def test_what_is_not_a_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    with open_run_folder(tmp_path):
        assert (tmp_path / "notes").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".demo").write_text("a file")
    with (
        pytest.raises(VectorwatchError, match=r"^demo: cannot write .*\.demo"),
        open_run_folder(tmp_path / ".demo"),
    ):
        pass

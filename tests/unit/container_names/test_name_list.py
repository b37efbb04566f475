from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from vectorwatch.container_names import name_list
from vectorwatch.container_names.name_list import FILE, KEEP_SECONDS, NameList
from vectorwatch.errors import VectorwatchError

A, B, C = ({"name": name, "image": "x"} for name in "abc")


def read(folder: Path) -> dict[str, dict[str, str]]:
    return dict(json.loads((folder / FILE).read_text()))


def test_the_list_is_written_when_it_changes_and_only_then(tmp_path: Path) -> None:
    names = NameList(tmp_path)
    assert names.update({"1": A}, 0.0)
    before = (tmp_path / FILE).stat()
    assert not names.update({"1": A}, 1.0)
    assert (tmp_path / FILE).stat().st_mtime_ns == before.st_mtime_ns
    assert names.update({"1": A, "2": B}, 2.0)
    assert read(tmp_path) == {"1": A, "2": B}


def test_an_empty_list_is_written_too_so_that_its_reader_finds_one(tmp_path: Path) -> None:
    assert NameList(tmp_path).update({}, 0.0)
    assert read(tmp_path) == {}


def test_others_may_read_it_and_never_see_a_half(tmp_path: Path) -> None:
    names = NameList(tmp_path)
    names.update({"1": A}, 0.0)
    before = (tmp_path / FILE).stat()
    names.update({"2": B}, 0.0)
    after = (tmp_path / FILE).stat()
    assert stat.S_IMODE(after.st_mode) == 0o644
    assert after.st_ino != before.st_ino, "replaced, not written over"
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_container_that_is_gone_keeps_its_name_for_a_day(tmp_path: Path) -> None:
    names = NameList(tmp_path)
    names.update({"1": A, "2": B}, 0.0)
    names.update({"2": B}, 10.0)
    names.update({"2": B}, 10.0 + KEEP_SECONDS - 1)
    assert read(tmp_path) == {"1": A, "2": B}
    names.update({"2": B}, 10.0 + KEEP_SECONDS)
    assert read(tmp_path) == {"2": B}


def test_a_container_that_comes_back_is_as_new(tmp_path: Path) -> None:
    names = NameList(tmp_path)
    names.update({"1": A}, 0.0)
    names.update({}, 1.0)
    names.update({"1": A}, KEEP_SECONDS)
    names.update({}, KEEP_SECONDS + 2)
    assert read(tmp_path) == {"1": A}


def test_a_restart_forgets_no_name(tmp_path: Path) -> None:
    NameList(tmp_path).update({"1": A, "2": B}, 0.0)
    NameList(tmp_path).update({"2": B}, 0.0)
    assert read(tmp_path) == {"1": A, "2": B}


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"1": 2}'])
def test_a_list_that_cannot_be_used_is_begun_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    NameList(tmp_path).update({"1": A}, 0.0)
    assert read(tmp_path) == {"1": A}


def test_the_list_is_bounded_and_those_that_went_first_are_forgotten_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_list, "MOST", 2)
    names = NameList(tmp_path)
    names.update({"1": A}, 0.0)
    names.update({"2": B}, 1.0)
    names.update({"3": C}, 2.0)
    assert read(tmp_path) == {"2": B, "3": C}
    names.update({"3": C, "4": A, "5": B}, 3.0)
    assert len(read(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    with pytest.raises(VectorwatchError, match=r"names\.json cannot be written: no such file"):
        NameList(tmp_path / "nowhere").update({"1": A}, 0.0)

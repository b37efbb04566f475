from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vectorwatch.dashboards.boards import read_boards
from vectorwatch.dashboards.build import write
from vectorwatch.errors import VectorwatchError

REPOSITORY = Path(__file__).parents[3]
THRESHOLDS = REPOSITORY / "prometheus" / "thresholds.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the dashboards that are committed."""
    return Path(shutil.copytree(REPOSITORY / "grafana" / "dashboards", tmp_path / "dashboards"))


def test_the_committed_dashboards_are_what_the_code_writes(folder: Path) -> None:
    said = write(THRESHOLDS, folder)
    assert said[:-1] == [], "run `make dashboards`"
    assert said[-1].endswith("0 changed")


def test_what_is_no_longer_made_goes_and_what_somebody_put_there_stays(folder: Path) -> None:
    ours = json.loads((folder / "Search" / "hnsw.json").read_text(encoding="utf-8"))
    (folder / "Search" / "old.json").write_text(json.dumps({**ours, "uid": "vw-old"}), encoding="utf-8")
    mine = {
        "copy.json": json.dumps({**ours, "uid": "mine"}).encode(),
        "mine.json": b'{"uid": "vw-mine", "tags": null}',
        "list.json": b"[]",
        "torn.json": b"\xff{",
    }
    for name, text in mine.items():
        (folder / "Search" / name).write_bytes(text)
    assert write(THRESHOLDS, folder)[:-1] == ["dashboards: removed Search/old.json"]
    assert {name: (folder / "Search" / name).read_bytes() for name in mine} == mine


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VectorwatchError, match=r"^dashboards: cannot write .*/file/AI: Not a directory$"):
        write(THRESHOLDS, tmp_path / "file")


def test_no_two_dashboards_have_the_same_title() -> None:
    titles = [board.title for board in read_boards()]
    assert len(set(titles)) == len(titles)

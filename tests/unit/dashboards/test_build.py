from __future__ import annotations

from pathlib import Path

from vectorwatch.dashboards.boards import read_boards
from vectorwatch.dashboards.build import render
from vectorwatch.rules.thresholds import read_thresholds

REPOSITORY = Path(__file__).parents[3]


def test_the_committed_dashboards_are_what_the_code_writes() -> None:
    folder = REPOSITORY / "grafana" / "dashboards"
    wanted = dict(render(read_thresholds(REPOSITORY / "prometheus" / "thresholds.yml")))
    committed = {
        path.relative_to(folder): path.read_text(encoding="utf-8") for path in folder.glob("*/*.json")
    }
    assert committed.keys() == wanted.keys(), "run `make dashboards`"
    assert [str(path) for path in wanted if committed[path] != wanted[path]] == [], "run `make dashboards`"


def test_no_two_dashboards_have_the_same_title() -> None:
    titles = [board.title for board in read_boards()]
    assert len(set(titles)) == len(titles)

from __future__ import annotations

from vectorwatch.dashboards.boards import read_boards
from vectorwatch.dashboards.reference import dashboards_page, shown_on


def test_a_metric_names_the_dashboards_that_show_it() -> None:
    assert "HNSW quality" in shown_on()["hnsw_recall_ratio"]


def test_the_page_has_every_dashboard_and_every_panel() -> None:
    page = dashboards_page()
    for board in read_boards():
        assert f"### {board.title}\n" in page
        assert all(panel.title in page for panel in board.panels), board.name

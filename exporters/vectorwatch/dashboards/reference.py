"""Which question which dashboard answers: docs/reference/dashboards.md, and where a metric is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from .board import Board, Folder
from .boards import read_boards


def shown_on() -> Mapping[str, list[str]]:
    """Return by name of a series the titles of the dashboards whose panels ask for it."""
    found: dict[str, list[str]] = {}
    for board in read_boards():
        for panel in board.panels:
            for one in panel.queries:
                bare = re.sub(r'"[^"]*"', "", one.expr)
                for word in dict.fromkeys(re.findall(r"[a-zA-Z_:][\w:]*", bare)):
                    if board.title not in found.setdefault(word, []):
                        found[word].append(board.title)
    return found


def dashboards_page() -> str:
    """Return the text of docs/reference/dashboards.md below its first line."""
    boards = read_boards()
    parts = [
        "# Dashboards\n",
        "What is in Grafana, by folder. Dashed lines are numbers of `prometheus/thresholds.yml`, or yours.\n"
        "A panel's corner has links to the runbooks of its alerts, which Grafana fetches from Prometheus.\n\n"
        "Tests ask each of these questions of a real Prometheus, those for documents of a real OpenSearch,\n"
        "and want an answer. How Grafana draws them was not seen.\n",
    ]
    for folder in get_args(Folder):
        own = [board for board in boards if board.folder == folder]
        parts.append(f"## {folder}\n\n" + "\n".join(_about(board) for board in own))
    return "\n".join(parts)


def _about(board: Board) -> str:
    rows = "".join(
        f"| {one.title} | {'; '.join(panel.title for panel in one.panels)} |\n" for one in board.rows
    )
    choices = ", ".join(variable.title.lower() for variable in board.variables)
    choose = f" Choose by: {choices}." if choices else ""
    return (
        f"### {board.title}\n\n{board.about}{choose} Address: `/d/{board.uid}`.\n\n"
        f"| row | panels |\n|---|---|\n{rows}"
    )

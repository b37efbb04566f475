"""Write every dashboard to its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..rules.thresholds import read_thresholds
from .boards import read_boards
from .grafana import Thresholds, to_json


def render(thresholds: Thresholds) -> Iterator[tuple[Path, str]]:
    """Return the path below `grafana/dashboards/` and the text of each dashboard."""
    for board in read_boards():
        text = json.dumps(to_json(board, thresholds), indent=1, sort_keys=True, ensure_ascii=False)
        yield Path(board.folder, f"{board.name}.json"), text + "\n"


def write(thresholds_file: Path, folder: Path) -> list[str]:
    """Make `folder` hold the dashboards and no others; return a line for each that changed."""
    said = []
    wanted = dict(render(read_thresholds(thresholds_file)))
    for path in sorted(folder.glob("*/*.json")):
        if path.relative_to(folder) not in wanted:
            path.unlink()
            said.append(f"dashboards: removed {path.relative_to(folder)}")
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            said.append(f"dashboards: wrote {name}")
    return [*said, f"dashboards: {len(wanted)} in {folder}, {len(said)} changed"]

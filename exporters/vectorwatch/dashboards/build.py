"""Write every dashboard to its file."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from ..errors import ConfigError
from ..rules.thresholds import Threshold, read_thresholds
from . import boards
from .board import Board
from .grafana import to_json


def read_boards() -> list[Board]:
    """Return the dashboards in order of their folders and names. Raises ConfigError for a name twice."""
    found: dict[str, Board] = {}
    for info in pkgutil.iter_modules(boards.__path__):
        board: Board = import_module(f"{boards.__name__}.{info.name}").BOARD
        if board.name.replace("-", "_") != info.name:
            raise ConfigError(f"boards/{info.name}.py: its dashboard is `{board.name}`; name both alike")
        found[board.name] = board
    return sorted(found.values(), key=lambda board: (board.folder, board.name))


def files(thresholds: Mapping[str, Threshold]) -> Iterator[tuple[Path, str]]:
    """Return the path below `grafana/dashboards/` and the text of each dashboard."""
    for board in read_boards():
        text = json.dumps(to_json(board, thresholds), indent=1, sort_keys=True, ensure_ascii=False)
        yield Path(board.folder, f"{board.name}.json"), text + "\n"


def write(thresholds_file: Path, folder: Path) -> list[str]:
    """Make `folder` hold the dashboards and no others; return a line for each that changed."""
    said = []
    wanted = dict(files(read_thresholds(thresholds_file)))
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

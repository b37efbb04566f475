"""One module a dashboard; each has a `BOARD`. What `read_boards` finds here is what there is."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from vectorwatch.errors import ConfigError

from ..board import Board


def read_boards() -> list[Board]:
    """Return the dashboards in order of their folders and names. Raises ConfigError where names differ."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        board: Board = import_module(f"{__name__}.{info.name}").BOARD
        if board.name.replace("-", "_") != info.name:
            raise ConfigError(f"boards/{info.name}.py: its dashboard is `{board.name}`; name both alike")
        found.append(board)
    return sorted(found, key=lambda board: (board.folder, board.name))

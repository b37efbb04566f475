"""A dashboard of Kibana: panels from left to right, as many in a line as fit, and fields to filter by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .data_view import DataView
from .panel import COLUMNS, Panel


@dataclass(frozen=True)
class Filter:
    """A list above the panels to choose values of a field from."""

    field: str
    title: str


@dataclass(frozen=True)
class Placed:
    """A panel and where it stands; `x` and `y` count from the top left corner."""

    panel: Panel
    x: int
    y: int


@dataclass(frozen=True)
class Board:
    """A dashboard; its id never changes."""

    id: str
    title: str
    about: str
    view: DataView
    panels: Sequence[Panel]
    filters: Sequence[Filter] = ()
    span: str = "now-24h"
    refresh_seconds: int = 60

    def place(self) -> Iterator[Placed]:
        """Yield each panel and where it stands; a line is as high as its first panel."""
        x = y = height = 0
        for panel in self.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + height
            if x == 0:
                height = panel.height
            yield Placed(panel, x, y)
            x += panel.width

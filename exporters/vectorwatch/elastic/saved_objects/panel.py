"""What a dashboard of Kibana is made of: numbers, charts, tables, the rows of a saved search, and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .column import Time, Top, Value
from .search import Search

COLUMNS = 48
"""Of Kibana's grid."""
RED, AMBER, GREEN, BLUE = "#E7664C", "#D6BF57", "#54B399", "#6092C0"
"""Of Kibana's palette for the colour-blind."""


@dataclass(frozen=True)
class Metric:
    """One number. `query` is KQL, as in each panel; with `alarm` 0 is green and all above has that colour."""

    id: str
    value: Value
    query: str = ""
    alarm: str = ""
    width: int = 12
    height: int = 6

    @property
    def title(self) -> str:
        """What the number is called; the panel itself shows no other title."""
        return self.value.title

    @property
    def columns(self) -> Sequence[Value]:
        """What it asks for."""
        return (self.value,)


@dataclass(frozen=True)
class Chart:
    """Numbers over time; with `split` one number, once for each value."""

    id: str
    title: str
    form: Literal["line", "bar_stacked"]
    values: Sequence[Value]
    split: Top | None = None
    query: str = ""
    width: int = 24
    height: int = 12

    @property
    def columns(self) -> Sequence[Top | Time | Value]:
        """What it asks for: the largest values of the whole time first, then each over time."""
        return (*([self.split] if self.split else []), Time(), *self.values)


@dataclass(frozen=True)
class Table:
    """A row for each combination of the groups' values, the largest first number on top."""

    id: str
    title: str
    groups: Sequence[Top]
    values: Sequence[Value]
    query: str = ""
    width: int = 24
    height: int = 14

    @property
    def columns(self) -> Sequence[Top | Value]:
        """What it asks for."""
        return (*self.groups, *self.values)


@dataclass(frozen=True)
class Rows:
    """The documents that a saved search finds."""

    id: str
    search: Search
    width: int = COLUMNS
    height: int = 20

    @property
    def title(self) -> str:
        """That of the search."""
        return self.search.title


@dataclass(frozen=True)
class Text:
    """Markdown."""

    id: str
    markdown: str
    width: int = COLUMNS
    height: int = 6
    title: str = ""


Asking: TypeAlias = Metric | Chart | Table
Panel: TypeAlias = Asking | Rows | Text

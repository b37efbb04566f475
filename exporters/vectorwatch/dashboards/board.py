"""What a dashboard is: rows of panels, the variables that choose what they show, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from .panel import Panel

COLUMNS = 24
"""Of Grafana's grid."""
UID_PREFIX = "vw-"
ERROR_LOGS = ("Logs of errors", "/d/vw-logs?var-level=error&var-level=critical")
"""For panels of what fails: the lines that programs wrote about it, of the time shown."""
TARGETS = 'job=~"$job", instance=~"$instance"'
"""What the variables of `job_and_instance` choose, in a selector."""

Folder: TypeAlias = Literal["Overview", "Search", "Infrastructure", "Applications", "AI", "Monitoring"]
"""In the order in which one would read them."""


@dataclass(frozen=True)
class Variable:
    """A list to choose from: the values of `label` in the series that `selector` selects; All is `.+`.

    The variable has the name of the label, unless `label` says another.
    """

    name: str
    title: str
    selector: str
    label: str = ""

    @property
    def query(self) -> str:
        """What Grafana asks Prometheus for."""
        return f"label_values({self.selector}, {self.label or self.name})"


@dataclass(frozen=True)
class Textbox:
    """A text that the reader writes; `start` stands there at first."""

    name: str
    title: str
    start: str


@dataclass(frozen=True)
class Row:
    """Panels under a heading, from left to right, as many in a line as fit."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


@dataclass(frozen=True)
class Placed:
    """A panel and where it stands; `x` and `y` count from the top left corner."""

    panel: Panel
    x: int
    y: int


@dataclass(frozen=True)
class Board:
    """A dashboard. `name` is that of its file, of its module and, prefixed, its uid: it never changes."""

    name: str
    folder: Folder
    title: str
    about: str
    rows: Sequence[Row]
    variables: Sequence[Variable | Textbox]
    components: Sequence[str]
    """Values of the label `component`: their alerts are marked on its panels."""
    restarts: str = ""
    """A selector of `process_start_time_seconds` or alike: each change of it is marked as a restart."""
    span: str = "now-6h"
    refresh: str = "30s"
    links: Sequence[tuple[str, str]] = ()
    """Titles and addresses of dashboards, beside the list of all."""

    @property
    def uid(self) -> str:
        """Its address in Grafana: `/d/<uid>`."""
        return UID_PREFIX + self.name

    @property
    def panels(self) -> Iterator[Panel]:
        """Its panels from the top."""
        return (panel for row in self.rows for panel in row.panels)


def job_and_instance(metric: str, matchers: str = "") -> tuple[Variable, Variable]:
    """Return the variables `job` and `instance` of whatever emits `metric`."""
    more = f", {matchers}" if matchers else ""
    return (
        Variable("job", "Job", f"{metric}{{{matchers}}}" if matchers else metric),
        Variable("instance", "Instance", f'{metric}{{job=~"$job"{more}}}'),
    )


def logs_of(*services: str, only: str = "") -> tuple[str, str]:
    """Return the link to the logs of services, all without one; `only` narrows them further.

    `services` are values of `service.name`: of a container, the name that its Compose file gives it.
    """
    asked = [f"var-service_name={one}" for one in services] + ([only] if only else [])
    return "Logs", "/d/vw-logs" + ("?" if asked else "") + "&".join(asked)


def row(title: str, *panels: Panel, collapsed: bool = False) -> Row:
    """Return a row; the last panel of each line is widened to the edge."""
    return Row(title, panels, collapsed)


def place(panels: Sequence[Panel], top: int) -> tuple[Sequence[Placed], int]:
    """Return where each panel stands below `top`, without gaps at the right edge, and the first free line."""
    lines: list[list[Panel]] = [[]]
    for panel in panels:
        if sum(other.width for other in lines[-1]) + panel.width > COLUMNS:
            lines.append([])
        lines[-1].append(panel)
    placed = []
    for line in lines:
        left, tallest = 0, max((panel.height for panel in line), default=0)
        for position, panel in enumerate(line):
            width = COLUMNS - left if position == len(line) - 1 else panel.width
            placed.append(Placed(replace(panel, width=width, height=tallest), left, top))
            left += width
        top += tallest
    return placed, top

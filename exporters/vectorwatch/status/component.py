"""What a component is: which alerts speak of it, whether it is watched, what is measured of it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a component: its field in the answer, and PromQL for one series without labels."""

    field: str
    query: str
    is_truth: bool = False
    """Whether 0 and 1 mean false and true."""


@dataclass(frozen=True, slots=True)
class Component:
    """A row of the health matrix.

    Its state follows from the alerts of the repository, chosen by their label `component` or by name, so that
    no threshold stands here.
    """

    name: str
    title: str
    dashboard: str
    """Uid of the dashboard that shows it."""
    watched: str
    """PromQL that has a series if anything is known of it; without one it is not configured."""
    labels: frozenset[str] = frozenset()
    """Values of the label `component` of its alerts."""
    alerts: str = ""
    """Regular expression for the names of its alerts."""
    jobs: str = ""
    """Regular expression for its jobs in Prometheus, whose `up` must be 1."""
    measures: tuple[Measure, ...] = ()
    other_names: tuple[str, ...] = ()
    """Names under which `/health/{component}` knows it, too."""

    def owns(self, alert: str, label: str) -> bool:
        """Tell whether an alert of this name and label `component` speaks of it."""
        return label in self.labels or bool(self.alerts and re.fullmatch(self.alerts, alert))

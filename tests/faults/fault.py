"""A fault as data: how a thing is broken, which alerts must follow, and which others may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.faults.rules import Rule
from tests.faults.scene import Scene

Break = Callable[[Scene], AbstractContextManager[None]]
"""Entering it breaks something, leaving it mends that."""

SCRAPE_SECONDS = 15
"""`scrape_interval` of prometheus/prometheus.yml."""
WARM_UP_SECONDS = 20
"""What a demo that is well runs on before a fault: more than one scrape."""
SLACK_SECONDS = 45
"""What a machine that is busy with other work may take on top."""
MESSAGE_SECONDS = 30 + SLACK_SECONDS
"""`group_interval` of alertmanager/alertmanager.yml, which is longer than `group_wait`."""


@dataclass(frozen=True)
class Expected:
    """An alert that must fire; `where` are labels that it must have."""

    alert: str
    severity: str
    lag_seconds: int = 0
    """From the scrape that sees the fault until the expression holds: time-outs, windows that must fill."""
    fades_seconds: int = 0
    """From the first scrape after the mending until the expression ends: windows that must empty."""
    where: Mapping[str, str] = field(default_factory=dict)
    untold: str = ""
    """Why no message of it can arrive; empty where one must."""

    def fire_bound_seconds(self, rule: Rule) -> int:
        """Return within how many seconds it must fire: scrape, window, evaluation, `for`, slack."""
        return SCRAPE_SECONDS + self.lag_seconds + rule.interval_seconds + rule.for_seconds + SLACK_SECONDS

    def end_bound_seconds(self, rule: Rule) -> int:
        """Return within how many seconds after the mending it must end."""
        return SCRAPE_SECONDS + self.fades_seconds + rule.interval_seconds + rule.keep_seconds + SLACK_SECONDS

    @property
    def selector(self) -> str:
        """Return the PromQL that has a sample for each such alert that fires."""
        labels = {"alertname": self.alert, "alertstate": "firing", "severity": self.severity, **self.where}
        return "ALERTS{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


@dataclass(frozen=True)
class Fault:
    """Something that breaks and is mended."""

    name: str
    what: str
    """What is done, in one clause."""
    breaks: Break
    expected: Sequence[Expected]
    company: Mapping[str, str] = field(default_factory=dict)
    """Critical alerts that may fire as well, and why each is no false alarm."""
    prepare: Callable[[Scene], None] | None = None
    """What the demo lacks and the fault needs; done before the warm-up."""
    warm_up_seconds: int = WARM_UP_SECONDS
    told_after_mending: bool = False
    """The messages cannot arrive before the mending."""

    @property
    def needs_fresh_demo(self) -> bool:
        """Tell whether it must not follow another fault in the same demo."""
        return self.prepare is not None or self.warm_up_seconds > WARM_UP_SECONDS

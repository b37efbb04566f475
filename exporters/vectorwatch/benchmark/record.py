"""What the service knows: the newest figures, the baselines, and how its runs ended."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from .baseline import Baseline, BaselineError, Folder, Recent, make_baseline
from .figure import Figure, Subject, are_comparable

log = logging.getLogger(__name__)


class Server(NamedTuple):
    """One of the measured servers."""

    backend: str
    name: str


@dataclass(slots=True)
class Measured:
    """The last figure of a subject and when it was measured, in seconds since 1970."""

    figure: Figure
    at: float


@dataclass
class Record:
    """Everything that a scrape shows; written by the runs, on one event loop."""

    folder: Folder
    baseline_runs: int
    measured: dict[Subject, Measured] = field(default_factory=dict)
    baselines: dict[Subject, Baseline] = field(default_factory=dict)
    runs: Counter[tuple[Server, str]] = field(default_factory=Counter)
    last_run: dict[Server, float] = field(default_factory=dict)
    trouble: str = ""
    """Why the baseline cannot be used, in one line; empty when it can."""
    _recent: dict[Subject, Recent] = field(default_factory=dict)

    def load(self) -> None:
        """Take over what an earlier process left; what cannot be read is left alone, and said."""
        self.read_baselines()
        try:
            self._recent = self.folder.read_recent()
        except BaselineError as error:
            log.warning("%s; the newest figures begin anew", error)

    def read_baselines(self) -> None:
        """Read the file again: a person may have accepted or edited one."""
        try:
            self.baselines = self.folder.read_baselines()
        except BaselineError as error:
            self._trouble(str(error))
        else:
            self._trouble("")

    def add(self, figure: Figure, at: float) -> None:
        """Book a figure."""
        self.measured[figure.subject] = Measured(figure, at)
        recent = self._recent.get(figure.subject)
        if recent is None or not are_comparable(recent.conditions, figure.conditions):
            recent = Recent([], figure.conditions)
        seconds = [*recent.seconds, figure.seconds][-self.baseline_runs :]
        self._recent[figure.subject] = Recent(seconds, figure.conditions)

    def is_stale(self, subject: Subject) -> bool:
        """Tell whether the baseline was taken of something that is no longer so."""
        baseline, measured = self.baselines.get(subject), self.measured.get(subject)
        return (
            baseline is not None
            and measured is not None
            and not are_comparable(baseline.conditions, measured.figure.conditions)
        )

    def forget(self, servers: Collection[Server], oldest: float) -> None:
        """Drop what is not of `servers`, and figures of what no run has measured since `oldest`."""
        self.measured = {subject: one for subject, one in self.measured.items() if one.at >= oldest}
        self.runs = Counter({key: count for key, count in self.runs.items() if key[0] in servers})
        self.last_run = {server: at for server, at in self.last_run.items() if server in servers}

    def keep(self, now: float) -> None:
        """Write the newest figures, and baselines of what has none and now has figures enough."""
        try:
            self.folder.write_recent(self._recent)
            if self.trouble:
                return  # what is there may be mended; it must not be written over
            ready = {
                subject: make_baseline(recent, now)
                for subject, recent in self._recent.items()
                if subject not in self.baselines and len(recent.seconds) >= self.baseline_runs
            }
            if ready:
                self.folder.accept(ready, only_new=True)
                self.baselines = self.folder.read_baselines()
                log.info("baselines of %d benchmarks were taken", len(ready))
        except BaselineError as error:
            log.warning("%s", error)

    def _trouble(self, text: str) -> None:
        if text != self.trouble:
            log.warning("%s", text) if text else log.info("the baseline can be read again")
        self.trouble = text

"""The story of an alert, told by waiting for each thing to happen and noting the seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import httpx

from vectorwatch.demo.interruption import Interruption
from vectorwatch.errors import VectorwatchError

_LOOK_SECONDS = 0.5


class StoryError(VectorwatchError):
    """Something did not happen in time; `suspects` are the services whose logs may tell why."""

    def __init__(self, message: str, suspects: Sequence[str]) -> None:
        self.suspects = suspects
        super().__init__(message)


Question = Callable[[], str]
"""Returns what is still missing, or an empty text."""


@dataclass(frozen=True)
class Design:
    """How many seconds of a wait the configuration itself asks for, and where it does."""

    seconds: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class Step:
    """Something that happened."""

    what: str
    seconds: float
    design: Design = Design()


@dataclass
class Story:
    """Waits, within one deadline for everything, and collects the steps."""

    interruption: Interruption
    limit_seconds: float
    announce: Callable[[Step], None]
    spent_seconds: float = 0.0
    """What was spent before it began; part of the deadline."""
    clock: Callable[[], float] = monotonic
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def seconds(self) -> float:
        """Return the seconds spent so far."""
        return self.spent_seconds + self.clock() - self._began

    def note(self, step: Step) -> None:
        """Add a step that has happened."""
        self.steps.append(step)
        self.announce(step)

    def wait(
        self, expected: Mapping[str, Question], suspects: Sequence[str], design: Design = Design()
    ) -> None:
        """Wait until nothing of `expected` is missing, noting each as it happens.

        Raises StoryError, InterruptionError.
        """
        start = self.clock()
        missing = dict.fromkeys(expected, "")
        while missing:
            for what in list(missing):
                missing[what] = _ask(expected[what])
                if not missing[what]:
                    del missing[what]
                    self.note(Step(what, self.clock() - start, design))
            if missing and self.seconds > self.limit_seconds:
                tales = "; ".join(f"{what}: {tale}" for what, tale in missing.items())
                raise StoryError(f"not within {self.limit_seconds:.0f} s: {tales}", suspects)
            self.interruption.pause(_LOOK_SECONDS if missing else 0)


def write_step(step: Step) -> str:
    """Return a step as a line of the table."""
    design = step.design
    of_which = f"   of these {design.seconds:.0f} by design: {design.source}" if design.source else ""
    return f"  {step.what:<40}{step.seconds:7.1f} s{of_which}"


def _ask(question: Question) -> str:
    try:
        return question()
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"

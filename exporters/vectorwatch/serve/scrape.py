"""Read one target within a deadline so that nothing it does can harm anything else."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from vectorwatch.errors import Reason, TargetError

from .metric import Metric, Sink, Table
from .span import describe_server, mark_failed, open_span

log = logging.getLogger(__name__)

# Prometheus drops an answer that arrives with the timeout: leave time to write and send it.
_RESERVE_SECONDS = 0.5


class Target(Protocol):
    """What the kernel must know of a target: a name that is safe to show."""

    @property
    def label(self) -> str:
        """Return the name of this target for logs and pages, without credentials."""


T = TypeVar("T", bound=Target)
T_co = TypeVar("T_co", bound=Target, covariant=True)


class TargetBook(Protocol[T_co]):
    """The targets that the configuration allows."""

    @property
    def default(self) -> T_co | None:
        """Return the target of `/metrics`, or None."""

    def find(self, wanted: str) -> T_co | None:
        """Return the allowed target that a `/probe?target=` names, or None."""

    def labels(self) -> list[str]:
        """Return the labels of all allowed targets."""


@dataclass(frozen=True)
class Outcome:
    """What the kernel says of one scrape."""

    reason: Reason | None
    duration_seconds: float
    dropped_series: int


@dataclass
class Exporter(Generic[T]):
    """A room as the kernel sees it."""

    name: str
    """Prefix of the metric names: `qdrant` gives `qdrant_up`."""
    targets: TargetBook[T]
    collect: Callable[[T, Sink], Awaitable[None]]
    max_series: int
    timeout_seconds: float
    _last_reason: dict[str, Reason | None] = field(default_factory=dict)

    async def scrape(self, target: T, timeout_seconds: float) -> Sink:
        """Return what `target` says within `timeout_seconds`, and always whether it could be read."""
        sink = Sink(self.max_series)
        started = time.perf_counter()
        with open_span(f"scrape {self.name}", describe_server(target.label)) as span:
            reason, message = await self._collect(target, sink, timeout_seconds)
            if reason is not None:
                mark_failed(span, reason.value, message)
        outcome = Outcome(reason, time.perf_counter() - started, sink.dropped)
        sink.lift_ceiling()
        sink.add(outcome_table(self.name), [outcome])
        return sink

    async def _collect(self, target: T, sink: Sink, timeout_seconds: float) -> tuple[Reason | None, str]:
        reason, message, defect = None, "", None
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.collect(target, sink)
        except TargetError as error:
            reason, message = error.reason, str(error)
        except TimeoutError:
            reason, message = Reason.TIMEOUT, f"no complete answer within {timeout_seconds:g} s"
        except Exception as error:  # the one boundary: a defect here must not lose the other targets
            reason, message, defect = Reason.INTERNAL, repr(error), error
        self._log_change(target.label, reason, message, defect)
        return reason, message

    def _log_change(self, label: str, reason: Reason | None, message: str, defect: Exception | None) -> None:
        """Log once when a target's state changes, not at every scrape."""
        previous = self._last_reason.get(label)
        self._last_reason[label] = reason
        if reason == previous:
            return
        if reason is None:
            log.info("%s: readable again", label)
        else:
            log.warning("%s: %s: %s", label, reason.value, message, exc_info=defect)


def timeout_from_header(header: str | None, limit_seconds: float) -> float:
    """Return the seconds a scrape may take: Prometheus' own timeout less a reserve, at most the limit.

    `header` is `X-Prometheus-Scrape-Timeout-Seconds`; an unusable one is ignored.
    """
    try:
        asked = float(header) if header else math.inf
    except ValueError:
        asked = math.inf
    if math.isnan(asked) or asked <= 0:
        asked = math.inf
    return min(max(asked - _RESERVE_SECONDS, asked / 2), limit_seconds)


def outcome_table(name: str) -> Table[Outcome]:
    """Return the rows that every scrape of every exporter has."""
    return Table(
        (
            Metric(f"{name}_up", "1 if the last scrape read everything it asked for.", _is_up),
            Metric(
                f"{name}_scrape_failed",
                "1 for the reason why the last scrape was not complete.",
                _failed,
                labels=("reason",),
            ),
            Metric(
                f"{name}_scrape_duration_seconds",
                "Time spent on reading the target.",
                lambda outcome: outcome.duration_seconds,
            ),
            Metric(
                f"{name}_scrape_dropped_series",
                "Series left out of this scrape because of the ceiling `max_series`.",
                lambda outcome: outcome.dropped_series,
            ),
        )
    )


def _is_up(outcome: Outcome) -> float:
    return int(outcome.reason is None)


def _failed(outcome: Outcome) -> Mapping[tuple[str, ...], float]:
    return {(reason.value,): int(reason is outcome.reason) for reason in Reason}

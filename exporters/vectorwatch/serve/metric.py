"""Metrics as rows of a table: name, help, kind, labels and how to read the value from one item."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry

T = TypeVar("T")

Labels = tuple[str, ...]
Value = float | None | Mapping[Labels, float]


class Kind(StrEnum):
    """The metric types that a scrape builds; histograms live in a `CollectorRegistry`."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Metric(Generic[T]):
    """One metric: `value` gives a number, None (no series), or a mapping from `labels` to numbers."""

    name: str
    help: str
    value: Callable[[T], Value]
    labels: Labels = ()
    kind: Kind = Kind.GAUGE

    def __post_init__(self) -> None:
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            raise ValueError(f"{self.name}: counters end in `_total`, gauges do not")


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Metrics read from the same kind of item; `key` gives the values of `labels` for one item."""

    metrics: tuple[Metric[T], ...]
    labels: Labels = ()
    key: Callable[[T], Labels] = lambda _item: ()


@dataclass(slots=True)
class Family:
    """One metric with the samples of one scrape."""

    name: str
    help: str
    kind: Kind
    labels: Labels
    samples: list[tuple[Labels, float]] = field(default_factory=list)


class Sink:
    """Receive the rows of one scrape; keep at most `max_series` and count the rest in `dropped`."""

    def __init__(self, max_series: int) -> None:
        self._max_series = max_series
        self._families: dict[str, Family] = {}
        self.registries: list[CollectorRegistry] = []
        self.series = 0
        self.dropped = 0

    def add(self, table: Table[T], items: Iterable[T]) -> None:
        """Read every metric of `table` from each of `items`."""
        families = [self._family(metric, table.labels) for metric in table.metrics]
        for item in items:
            key = table.key(item)
            for metric, family in zip(table.metrics, families, strict=True):
                value = metric.value(item)
                if value is None:
                    continue
                # Numbers first: asking whether something is a Mapping is slow, and most values are none.
                if isinstance(value, int | float):
                    self._append(family, key, value)
                else:
                    for labels, number in value.items():
                        self._append(family, key + labels, number)

    def lift_ceiling(self) -> None:
        """Accept whatever follows: the kernel's own few rows must never be the ones left out."""
        self._max_series = sys.maxsize

    def attach(self, registry: CollectorRegistry) -> None:
        """Expose a prometheus_client registry beside the rows (histograms, own counters)."""
        self.registries.append(registry)

    def families(self) -> Iterator[Family]:
        """Yield the families that have samples."""
        return (family for family in self._families.values() if family.samples)

    def _family(self, metric: Metric[T], labels: Labels) -> Family:
        if metric.name not in self._families:
            self._families[metric.name] = Family(
                metric.name, metric.help, metric.kind, labels + metric.labels
            )
        return self._families[metric.name]

    def _append(self, family: Family, labels: Labels, number: float) -> None:
        if self.series >= self._max_series:
            self.dropped += 1
            return
        self.series += 1
        family.samples.append((labels, number))

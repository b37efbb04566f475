"""Counters, gauges, histograms and summaries of an application: declared once, cheap to record, bounded.

They live in prometheus_client's own registry, as an application's other metrics do, so that one `/metrics`
shows both, and several workers (`PROMETHEUS_MULTIPROC_DIR`) are the library's own business.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import prometheus_client

from vectorwatch import tracing

from .labels import OTHER, Limit, check_names
from .workers import find_folder

M = TypeVar("M", bound=Any)
Multiprocess = Literal["all", "livesum", "livemax", "livemostrecent"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets of a duration that a person waits for: each threshold of the requirements is a bound."""

find_folder()  # before prometheus_client opens files there, which would end in a traceback
# `_created` is a series more for each counter and histogram, which nothing here reads. The application's own
# metrics lose it too.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

_refused = prometheus_client.Counter(
    "vectorwatch_instrument_label_values_refused_total",
    "Label values that were replaced by `other`: `not_allowed`, `too_many` or `personal`.",
    ["metric", "label", "reason"],
)


class Metric(Generic[M]):
    """A metric whose label values pass their limits."""

    def __init__(self, metric: M, name: str, help: str, labels: Mapping[str, Limit]) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.labels = tuple(labels)
        self._metric = metric
        self._limits = tuple(labels.values())
        self._children: dict[tuple[str, ...], M] = {}

    def child(self, *values: str) -> M:
        """Return the series of these label values, in the order of `labels`."""
        try:
            return self._children[values]
        except (KeyError, TypeError):  # not seen yet, or what cannot be a key, such as a list
            return self._admit(values)

    def _admit(self, values: tuple[Any, ...]) -> M:
        if len(values) != len(self.labels):
            raise ValueError(
                f"{self.name} has the labels {', '.join(self.labels) or '(none)'}; got {values!r}"
            )
        admitted = []
        for label, limit, given in zip(self.labels, self._limits, values, strict=True):
            value = "" if given is None else str(given)
            reason = limit.refuse(value)
            if reason:
                _refused.labels(self.name, label, reason).inc()
            admitted.append(OTHER if reason else value)
        key = tuple(admitted)
        # Only what was admitted is remembered, or the memory of what was refused would grow without end.
        if key not in self._children:
            self._children[key] = self._metric.labels(*key) if key else self._metric
        return self._children[key]


class Counter(Metric[prometheus_client.Counter]):
    """Only goes up; the name ends in `_total`."""

    def __init__(self, name: str, help: str, labels: Mapping[str, Limit] | None = None) -> None:  # noqa: A002
        labels = labels or {}
        check_names(name, labels)
        if not name.endswith("_total"):
            raise ValueError(f"{name}: counters end in `_total`")
        super().__init__(prometheus_client.Counter(name, help, tuple(labels)), name, help, labels)

    def inc(self, *values: str, by: float = 1.0) -> None:
        """Add `by` to the series of these label values."""
        self.child(*values).inc(by)


class Gauge(Metric[prometheus_client.Gauge]):
    """Goes up and down. `multiprocess`: what several workers' values become (prometheus_client's modes).

    What is counted up and down with `inc` needs another than the default, such as `livesum`.
    """

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Mapping[str, Limit] | None = None,
        *,
        multiprocess: Multiprocess = "livemostrecent",
    ) -> None:
        labels = labels or {}
        check_names(name, labels)

        def make() -> prometheus_client.Gauge:
            return prometheus_client.Gauge(name, help, tuple(labels), multiprocess_mode=multiprocess)

        self._make = make
        self._lock = threading.Lock()
        # Without labels it would be there, as 0, before anybody has set it.
        metric: Any = make() if labels else None
        super().__init__(metric, name, help, labels)

    def _admit(self, values: tuple[Any, ...]) -> prometheus_client.Gauge:
        with self._lock:
            if not self.labels and () not in self._children:
                self._metric = self._make()
                self._children[()] = self._metric
        return super()._admit(values)

    def set(self, value: float, *values: str) -> None:
        """Set the series of these label values."""
        self.child(*values).set(value)

    def inc(self, *values: str, by: float = 1.0) -> None:
        """Add `by`, which may be negative."""
        self.child(*values).inc(by)


class Histogram(Metric[prometheus_client.Histogram]):
    """A distribution; observations made in a sampled span carry its trace id as an exemplar."""

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Mapping[str, Limit] | None = None,
        *,
        buckets: Sequence[float] = SECONDS,
    ) -> None:
        labels = labels or {}
        check_names(name, labels)
        metric = prometheus_client.Histogram(name, help, tuple(labels), buckets=buckets)
        super().__init__(metric, name, help, labels)

    def observe(self, value: float, *values: str) -> None:
        """Add one observation to the series of these label values."""
        self.child(*values).observe(value, current_exemplar())


class Summary(Metric[prometheus_client.Summary]):
    """The sum and the count of observations: a mean over any time; quantiles need a histogram."""

    def __init__(self, name: str, help: str, labels: Mapping[str, Limit] | None = None) -> None:  # noqa: A002
        labels = labels or {}
        check_names(name, labels)
        super().__init__(prometheus_client.Summary(name, help, tuple(labels)), name, help, labels)

    def observe(self, value: float, *values: str) -> None:
        """Add one observation to the series of these label values."""
        self.child(*values).observe(value)


def current_exemplar() -> dict[str, str] | None:
    """Return the label of an exemplar, `trace_id` of the sampled span that runs; Grafana links to it."""
    ids = tracing.current_ids(sampled=True)
    return None if ids is None else {"trace_id": ids[0]}

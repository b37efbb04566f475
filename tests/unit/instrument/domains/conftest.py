"""Readings of prometheus_client's registry, which all tests share: what a test looks at is the difference."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span
from prometheus_client import REGISTRY

from vectorwatch import tracing

Key = tuple[str, frozenset[tuple[str, str]]]


def read() -> dict[Key, float]:
    """Return every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }


class Readings:
    """What has changed since the test began, and what is there now."""

    def __init__(self) -> None:
        self._before = read()

    def added(self, name: str, **labels: str) -> float:
        """Return how much a series has grown."""
        key = (name, frozenset(labels.items()))
        return read().get(key, 0.0) - self._before.get(key, 0.0)

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a series, or None where there is none."""
        return read().get((name, frozenset(labels.items())))

    def grown(self, prefix: str) -> dict[str, float]:
        """Return the growth of all series whose names begin so, over all labels, those that grew."""
        found: dict[str, float] = {}
        for key, value in read().items():
            growth = value - self._before.get(key, 0.0)
            if key[0].startswith(prefix) and not key[0].endswith(("_created", "_bucket", "_sum")) and growth:
                found[key[0]] = found.get(key[0], 0.0) + growth
        return found


@pytest.fixture
def readings() -> Readings:
    return Readings()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[ReadableSpan]]:
    """Turn tracing on; return the spans that have ended.

    Not by `tracing.start`: it sets the provider of the process, which can be set once and outlives the test.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    monkeypatch.setattr(tracing, "_get_span", get_current_span)
    return lambda: list(exporter.get_finished_spans())

"""What is written must be what prometheus_client would write, as its own parsers read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as LibraryMetric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from vectorwatch.serve.exposition import render, wants_openmetrics
from vectorwatch.serve.metric import Family, Kind

# Surrogates cannot be written as UTF-8; what becomes of them has a test of its own.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans())


@st.composite
def families(draw: st.DrawFn) -> Family:
    counter = draw(st.booleans())
    name = draw(st.from_regex(r"[a-z][a-z_]{0,10}[a-z]_x", fullmatch=True))
    labels = tuple(draw(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), max_size=3, unique=True)))
    keys = draw(st.lists(st.tuples(*(TEXT for _ in labels)), min_size=1, max_size=4, unique=True))
    number = st.integers(0, 2**60) if counter else NUMBER
    return Family(
        f"{name}_total" if counter else name,
        draw(TEXT),
        Kind.COUNTER if counter else Kind.GAUGE,
        labels,
        [(key, draw(number)) for key in keys],
    )


class OneFamily(Collector):
    """The same family as the library holds it."""

    def __init__(self, family: Family) -> None:
        make: Callable[..., GaugeMetricFamily | CounterMetricFamily] = (
            CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
        )
        self._metric = make(family.name, family.help, labels=list(family.labels))
        for labels, number in family.samples:
            self._metric.add_metric(list(labels), float(number))

    def collect(self) -> Iterable[LibraryMetric]:
        return [self._metric]


def facts(parsed: Iterable[LibraryMetric]) -> list[tuple[object, ...]]:
    """Return what a parser found, comparable even when a value is NaN."""
    return [
        (
            metric.name,
            metric.type,
            metric.documentation,
            sample.name,
            sorted(sample.labels.items()),
            repr(float(sample.value)),
        )
        for metric in parsed
        for sample in metric.samples
    ]


@given(families())
def test_text_reads_like_the_library_s(family: Family) -> None:
    ours = render([family], [], use_openmetrics=False).decode()
    library = generate_latest(OneFamily(family)).decode()
    assert facts(parse_text(ours)) == facts(parse_text(library))


@given(families())
def test_openmetrics_reads_like_the_library_s(family: Family) -> None:
    ours = render([family], [], use_openmetrics=True).decode()
    library = generate_openmetrics(OneFamily(family)).decode()
    assert facts(parse_openmetrics(ours)) == facts(parse_openmetrics(library))


def test_a_hostile_label_stays_one_series() -> None:
    family = Family("x", "h", Kind.GAUGE, ("collection",), [(('"}\n# ',), 1)])
    (metric,) = parse_text(render([family], [], use_openmetrics=False).decode())
    assert [sample.labels for sample in metric.samples] == [{"collection": '"}\n# '}]


def test_a_lone_surrogate_does_not_lose_the_scrape() -> None:
    family = Family("x", "h", Kind.GAUGE, ("collection",), [(("a\ud800",), 1)])
    assert b'x{collection="a?"} 1\n' in render([family], [], use_openmetrics=False)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (True, b"1"),
        (3, b"3"),
        (0.25, b"0.25"),
        (1e300, b"1e+300"),
        (math.inf, b"+Inf"),
        (-math.inf, b"-Inf"),
        (math.nan, b"NaN"),
    ],
)
def test_numbers_are_written_as_prometheus_reads_them(number: float, written: bytes) -> None:
    family = Family("x", "h", Kind.GAUGE, (), [((), number)])
    assert render([family], [], use_openmetrics=False).splitlines()[-1] == b"x " + written


def test_registries_follow_with_one_end_mark() -> None:
    registry = CollectorRegistry()
    Histogram("y_seconds", "h", registry=registry).observe(0.1)
    family = Family("x", "h", Kind.GAUGE, (), [((), 1)])
    text = render([family], [registry], use_openmetrics=True).decode()
    assert text.count("# EOF") == 1
    assert [metric.name for metric in parse_openmetrics(text)] == ["x", "y_seconds"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.4,*/*;q=0.1",
            True,
        ),
        ("text/plain;version=0.0.4", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_accept_header_chooses_the_format(accept: str, expected: bool) -> None:
    assert wants_openmetrics(accept) is expected

"""Metrics are declared once, record what they are told, and stay bounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from vectorwatch import tracing
from vectorwatch.instrument.labels import at_most, one_of
from vectorwatch.instrument.metric import Counter, Gauge, Histogram, current_exemplar

Value = Callable[..., float]

COUNTER = Counter("test_metric_things_total", "Things.", {"kind": one_of("a"), "name": at_most(2)})
GAUGE = Gauge("test_metric_level", "A level.", {"kind": one_of("a")}, multiprocess="livesum")
RECENT = Gauge("test_metric_recent", "A level.")
HISTOGRAM = Histogram("test_metric_seconds", "A time.", {"kind": one_of("a")}, buckets=(1.0, 2.0))
MIXED = Counter("test_metric_mixed_total", "Of values of any kind.", {"name": at_most(5)})
PLAIN = Counter("test_metric_plain_total", "Without labels.")


def test_each_kind_records(value: Value) -> None:
    COUNTER.inc("a", "x", by=2.5)
    GAUGE.set(4.0, "a")
    GAUGE.inc("a", by=-1.0)
    HISTOGRAM.observe(1.5, "a")
    PLAIN.inc()
    assert value("test_metric_things_total", kind="a", name="x") == 2.5
    assert value("test_metric_level", kind="a") == 3.0
    assert value("test_metric_seconds_bucket", kind="a", le="2.0") == 1.0
    assert value("test_metric_seconds_bucket", kind="a", le="1.0") == 0.0
    assert value("test_metric_plain_total") == 1.0


def test_a_label_value_that_is_no_text_becomes_one(value: Value) -> None:
    MIXED.inc(7)  # type: ignore[arg-type]
    MIXED.inc("7")
    MIXED.inc(None)  # type: ignore[arg-type]
    MIXED.inc(["a"])  # type: ignore[arg-type]
    assert value("test_metric_mixed_total", name="7") == 2.0
    assert value("test_metric_mixed_total", name="") == 1.0
    assert value("test_metric_mixed_total", name="['a']") == 1.0


def test_there_are_no_series_of_when_something_was_created() -> None:
    HISTOGRAM.observe(1.5, "a")
    names = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    assert not [name for name in names if name.endswith("_created")]


def test_a_value_that_is_refused_is_other_and_counted_each_time(value: Value) -> None:
    labels = {"metric": "test_metric_things_total", "label": "kind", "reason": "not_allowed"}
    before = value("vectorwatch_instrument_label_values_refused_total", **labels)
    COUNTER.inc("unknown", "x")
    COUNTER.inc("unknown", "x")
    assert value("test_metric_things_total", kind="other", name="x") == 2.0
    assert value("vectorwatch_instrument_label_values_refused_total", **labels) == before + 2


def test_the_memory_of_refused_values_does_not_grow() -> None:
    for number in range(1_000):
        COUNTER.inc("a", f"name-{number}")
    assert len(COUNTER._children) <= 2 * 3


def test_a_gauge_whose_last_value_counts_cannot_be_added_to(value: Value) -> None:
    RECENT.set(3.0)
    assert value("test_metric_recent") == 3.0
    with pytest.raises(RuntimeError, match="inc must not be used with the mostrecent mode"):
        RECENT.inc()


def test_series_of_the_same_labels_are_one_object() -> None:
    assert COUNTER.child("a", "x") is COUNTER.child("a", "x")


def test_a_wrong_number_of_labels_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"test_metric_things_total has the labels kind, name; got \('a',\)"):
        COUNTER.inc("a")
    with pytest.raises(ValueError, match=r"has the labels \(none\); got"):
        PLAIN.inc("a")


def test_a_counter_is_named_total() -> None:
    with pytest.raises(ValueError, match="things: counters end in `_total`"):
        Counter("things", "Things.")


@pytest.mark.parametrize("make", [Counter, Gauge, Histogram])
def test_no_metric_may_have_a_personal_label(make: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="label `user_id`"):
        make("test_metric_refused_total", "Refused.", {"user_id": at_most(5)})
    assert REGISTRY.get_sample_value("test_metric_refused_total") is None


def exemplar_of(kind: str) -> object:
    return next(
        (
            sample.exemplar.labels
            for family in REGISTRY.collect()
            for sample in family.samples
            if sample.name == "test_metric_seconds_bucket"
            and sample.exemplar
            and sample.labels["kind"] == kind
        ),
        None,
    )


def test_an_observation_in_a_span_carries_its_trace(spans: object) -> None:
    HISTOGRAM.observe(1.5, "other")
    assert exemplar_of("other") is None
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("x") as span:
        HISTOGRAM.observe(1.5, "other")
    assert exemplar_of("other") == {"trace_id": format(span.get_span_context().trace_id, "032x")}


def test_a_trace_that_is_not_sampled_is_no_exemplar(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    request.getfixturevalue("spans")
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("x"):
        assert current_exemplar() is None

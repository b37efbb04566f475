"""Tracing is off, and free, until it is started; it never holds up the end of a program."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vectorwatch import tracing


@pytest.fixture(autouse=True)
def stop() -> Iterator[None]:
    yield
    tracing.stop()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def test_nothing_is_imported_and_nothing_known_before_the_start() -> None:
    program = (
        "import sys\nfrom vectorwatch import tracing\n"
        "assert [tracing.tracer(), tracing.current_span(), tracing.current_ids()] == [None, None, None]\n"
        "tracing.stop()\nassert 'opentelemetry' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_spans_name_the_service_and_its_version(exporter: InMemorySpanExporter) -> None:
    provider = tracing.start("svc", "1.2", exporter=exporter)
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("work"):
        pass
    provider.force_flush()
    [span] = exporter.get_finished_spans()
    assert span.name == "work"
    attributes = dict(span.resource.attributes)
    assert (attributes["service.name"], attributes["service.version"]) == ("svc", "1.2")


def test_a_second_start_is_the_first(exporter: InMemorySpanExporter) -> None:
    first = tracing.start("svc", exporter=exporter)
    assert tracing.start("other") is first


def test_the_ids_are_those_of_the_span_that_runs(exporter: InMemorySpanExporter) -> None:
    tracing.start("svc", exporter=exporter)
    tracer = tracing.tracer()
    assert tracer
    assert tracing.current_ids() is None
    with tracer.start_as_current_span("work") as span:
        context = span.get_span_context()
        assert tracing.current_ids() == (format(context.trace_id, "032x"), format(context.span_id, "016x"))
        assert tracing.current_span() is span
    assert tracing.current_ids() is None


def test_a_span_that_is_not_sampled_has_ids_for_logs_and_none_to_look_up(
    exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing.start("svc", exporter=exporter)
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("work") as span:
        ids = tracing.current_ids()
        assert ids
        assert ids[0] == format(span.get_span_context().trace_id, "032x")
        assert tracing.current_ids(sampled=True) is None


def test_after_the_stop_it_is_off_and_what_waited_is_sent(exporter: InMemorySpanExporter) -> None:
    tracing.start("svc", exporter=exporter)
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("work"):
        pass
    tracing.stop()
    assert tracing.tracer() is None
    assert [span.name for span in exporter.get_finished_spans()] == ["work"]


def test_a_collector_that_never_answers_does_not_hold_up_the_end(raw_server: Callable[..., int]) -> None:
    program = (
        "import time\nfrom vectorwatch import tracing\n"
        f"tracing.start('svc', endpoint='http://127.0.0.1:{raw_server(b'', hold=True)}')\n"
        "for _ in range(3000):\n    with tracing.tracer().start_as_current_span('work'): pass\n"
        "print(time.monotonic())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    # 3 s for the last spans; OpenTelemetry alone takes 10 s for each batch, and up to 30 s.
    assert time.monotonic() - float(ended.stdout) < 9

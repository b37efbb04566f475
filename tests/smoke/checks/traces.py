"""Spans find their way to Jaeger, and what it counts of them to Prometheus."""

from __future__ import annotations

from tests.smoke.stage import Stage, wait
from vectorwatch.demo.jaeger_api import find_spans, make_trace_id, send_span

JAEGER = "jaeger"
_OWN = {"qdrant-exporter", "dragonfly-exporter", "hnsw-probe", "inbox"}
_SERVICE = "smoke"
_SPAN = "GET /smoke"
_COUNTED = f'traces_span_metrics_calls_total{{service_name="{_SERVICE}", span_name="{_SPAN}"}}'


def arrive(stage: Stage) -> str:
    """Send a span to the published port and see it in Jaeger and counted in Prometheus; our own come too."""
    if JAEGER in stage.absent:
        return "not run: there is no Jaeger"
    trace = make_trace_id()
    seconds = send(stage, trace)
    wait(lambda: _ask_counted(stage), "spans are counted", (JAEGER, "prometheus"))
    wait(lambda: _name_silent(stage), "spans of our own programs", (JAEGER, *sorted(_OWN)))
    return f"found after {seconds:.1f} s, counted; and those of {', '.join(sorted(_OWN))}"


def send(stage: Stage, trace: str) -> float:
    """Send a span and wait until Jaeger shows it; return the seconds. Raises CheckError, httpx.HTTPError."""
    send_span(stage.project.url("jaeger-otlp"), trace, service=_SERVICE, name=_SPAN)
    return wait(lambda: _ask_found(stage, trace), "the span", (JAEGER,))


def _ask_found(stage: Stage, trace: str) -> str:
    return "" if find_spans(stage.project.url(JAEGER), trace) == [_SPAN] else "Jaeger does not show it"


def _ask_counted(stage: Stage) -> str:
    return "" if stage.prometheus.query(_COUNTED) else f"no {_COUNTED}"


def _name_silent(stage: Stage) -> str:
    known = set(stage.get(JAEGER, "/api/services").json()["data"] or ())
    return ", ".join(f"none of {name}" for name in sorted(_OWN - known))

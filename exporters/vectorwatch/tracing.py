"""OpenTelemetry spans of one process, sent by OTLP over HTTP; off, and nothing of it imported, until `start`.

What opens spans asks `tracer()`: None while tracing is off, so that it costs one comparison then.
"""

from __future__ import annotations

import atexit
import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_EXPORTER_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_CONTEXT_LOGGER = "opentelemetry.context"
_QUIET_SECONDS = 600.0

_tracer: Tracer | None = None
_provider: TracerProvider | None = None
_get_span: Callable[[], Span] | None = None


def start(
    service: str, version: str = "", *, endpoint: str = "", exporter: SpanExporter | None = None
) -> TracerProvider:
    """Send the spans of this process, as `service.name`, to `endpoint` (a base such as http://jaeger:4318).

    Without `endpoint` the standard variables `OTEL_EXPORTER_OTLP_…` say where; sampling follows
    `OTEL_TRACES_SAMPLER`. Spans go out in batches from a thread: a collector that is down costs spans,
    never a request. `exporter` takes the place of OTLP in tests. A second call returns the first's provider.
    """
    global _tracer, _provider, _get_span
    if _provider is not None:
        return _provider
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    attributes = {"service.name": service, "service.version": version}
    provider = TracerProvider(
        resource=Resource.create({key: value for key, value in attributes.items() if value}),
        shutdown_on_exit=False,  # it waits up to 30 s for a collector that does not answer
    )
    traces = f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=traces)))
    logging.getLogger(_EXPORTER_LOGGER).addFilter(_Seldom())
    # An async generator that another task closes cannot detach the context of its span: an ERROR with a
    # traceback each time, of which nobody can mend anything.
    logging.getLogger(_CONTEXT_LOGGER).setLevel(logging.CRITICAL)
    trace.set_tracer_provider(provider)
    _provider, _tracer, _get_span = provider, provider.get_tracer("vectorwatch"), trace.get_current_span
    atexit.register(stop)
    return provider


def stop(timeout_seconds: float = 3.0) -> None:
    """Turn tracing off, and send what waits; what cannot be sent in this time is lost."""
    global _tracer, _provider
    provider, _tracer, _provider = _provider, None, None
    if provider is None:
        return
    atexit.unregister(stop)
    sender = threading.Thread(target=provider.shutdown, name="vectorwatch-last-spans", daemon=True)
    try:
        sender.start()
    except RuntimeError:  # Python 3.12 and newer start no thread while the interpreter ends
        provider.shutdown()
        return
    sender.join(timeout_seconds)
    exporter_log = logging.getLogger(_EXPORTER_LOGGER)
    for one in [one for one in exporter_log.filters if isinstance(one, _Seldom)]:
        exporter_log.removeFilter(one)


def tracer() -> Tracer | None:
    """Return what opens spans, or None while tracing is off."""
    return _tracer


def current_span() -> Span | None:
    """Return the span that runs, which may be one that is not recorded; None while tracing is off."""
    return None if _tracer is None or _get_span is None else _get_span()


def current_ids(*, sampled: bool = False) -> tuple[str, str] | None:
    """Return trace id and span id (lower-case hexadecimal, 32 and 16 digits) of the current span.

    `sampled`: only of one that is recorded, so that its trace can be looked up.
    """
    span = current_span()
    if span is None:
        return None
    context = span.get_span_context()
    if not context.is_valid or (sampled and not context.trace_flags.sampled):
        return None
    return format(context.trace_id, "032x"), format(context.span_id, "016x")


class _Seldom(logging.Filter):
    """Lets one line pass in ten minutes: the exporter writes several a batch while a collector is down."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        """Tell whether the line may pass."""
        now = monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + _QUIET_SECONDS
        return True

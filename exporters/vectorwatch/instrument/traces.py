"""Spans of an application's requests, by OpenTelemetry's own instrumentations."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from vectorwatch import tracing

from .own_routes import OwnRoutes, path_inside

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FLUSH_SECONDS = 3.0
_NO_SPANS = ["receive", "send"]
"""A span for each message of a request would say nothing that the request's own does not."""


def is_wanted(endpoint: str) -> bool:
    """Tell whether spans have anywhere to go."""
    return bool(endpoint) or any(os.environ.get(name) for name in ENDPOINT_VARIABLES)


def prepare(app: Starlette, provider: TracerProvider) -> None:
    """Let the instrumentation of FastAPI wrap the application, if it is one."""
    # The stable names of HTTP attributes; the instrumentations' default is still the old ones.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    if is_fastapi(app):
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(
            app,  # type: ignore[arg-type]
            tracer_provider=provider,
            server_request_hook=_hide_query,
            excluded_urls="",
            exclude_spans=_NO_SPANS,  # type: ignore[arg-type]
        )


def is_fastapi(app: Starlette) -> bool:
    """Tell whether an application is of FastAPI, without importing it."""
    return any(base.__module__.partition(".")[0] == "fastapi" for base in type(app).__mro__)


def insert(stack: ASGIApp, wrap: Any, own_routes: OwnRoutes, provider: TracerProvider) -> ASGIApp:
    """Return `stack` with what `wrap` puts around it inside of the span of the request."""
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    layer: Any = stack
    while layer is not None and not isinstance(layer, OpenTelemetryMiddleware):
        layer = getattr(layer, "app", None)
    if layer is None:
        if isinstance(stack, ServerErrorMiddleware):
            stack.app = ErrorOnSpan(stack.app)
        inner = wrap(stack)
        stack = layer = OpenTelemetryMiddleware(
            inner,
            tracer_provider=provider,
            default_span_details=_name_by_method,
            server_request_hook=_hide_query,
            exclude_spans=_NO_SPANS,  # type: ignore[arg-type]
        )
    else:
        inner = layer.app = wrap(layer.app)
    return Untraced(stack, inner, own_routes)


class ErrorOnSpan:
    """Put an error on the span before it is answered, for then the span ends; FastAPI's has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            span = tracing.current_span()
            if span is not None:
                span.record_exception(error)
            raise


class Untraced:
    """Lead requests for metrics and health past the spans."""

    def __init__(self, app: ASGIApp, without_spans: ASGIApp, own_routes: OwnRoutes) -> None:
        self.app = app
        self._without_spans = without_spans
        self._own_routes = own_routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and self._own_routes.has(path_inside(scope)):
            await self._without_spans(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _name_by_method(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name a span before its route is known; the raw path, the default, would be a name for each value."""
    return scope.get("method", "WebSocket"), {}


def _hide_query(span: Span, scope: dict[str, Any]) -> None:
    """Take the query out of the span: it can hold keys and what a person has searched for."""
    if not span.is_recording() or not scope.get("query_string"):
        return
    span.set_attribute("url.query", "[hidden]")
    old: dict[str, Any] = getattr(span, "attributes", None) or {}
    for name in ("http.url", "http.target"):  # where the application asks for the old names
        if name in old:
            span.set_attribute(name, str(old[name]).partition("?")[0])


async def flush() -> None:
    """Send what waits, for at most three seconds and without stopping the event loop."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        tracing.stop(_FLUSH_SECONDS)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=stop, name="vectorwatch-flush", daemon=True).start()
    await done.wait()

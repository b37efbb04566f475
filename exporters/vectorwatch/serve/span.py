"""Spans of what exporters, probe and inbox do; while tracing is off it imports nothing and does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vectorwatch import tracing
from vectorwatch.errors import ConfigError, Reason

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Attribute = str | int | float | bool

_STOP_SECONDS = 0.5
"""A span or two at the end are worth less than an end without delay."""


@contextmanager
def traced(program: str, version: str, endpoint: str) -> Iterator[None]:
    """Send the spans of this process to `endpoint` for the time of the block; an empty one turns nothing on.

    Raises ConfigError when the packages for it are not installed.
    """
    if not endpoint:
        yield
        return
    try:
        tracing.start(program, version, endpoint=endpoint)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"config: `traces_endpoint` needs the package {error.name}; install `vectorwatch[tracing]`"
        ) from error
    try:
        yield
    finally:
        tracing.stop(_STOP_SECONDS)


@contextmanager
def open_span(
    name: str, attributes: Mapping[str, Attribute], *, is_client: bool = False
) -> Iterator[Span | None]:
    """Make the block a span, None while tracing is off; what it raises is recorded and goes on.

    `attributes` follow OpenTelemetry's semantic conventions; `is_client` when the block waits for a server.
    """
    tracer = tracing.tracer()
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind

    kind = SpanKind.CLIENT if is_client else SpanKind.INTERNAL
    # An exception's traceback would hold nothing that its message does not say.
    with tracer.start_as_current_span(name, kind=kind, attributes=attributes, record_exception=False) as span:
        try:
            yield span
        except Exception as error:
            mark_failed(span, _name_error(error))
            raise


def mark_failed(span: Span | None, error_type: str, message: str = "") -> None:
    """Say in `span` that what it stands for failed; `error_type` is of a closed set, `message` is free."""
    if span is None:
        return
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR, message or None))


def describe_server(address: str) -> dict[str, Attribute]:
    """Return `server.address` and `server.port` of a URL, a `host:port` or a name."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    host: dict[str, Attribute] = {"server.address": parts.hostname or address}
    return host | ({"server.port": port} if port else {})


def _name_error(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, StrEnum):
        return reason.value
    return Reason.TIMEOUT.value if isinstance(error, TimeoutError) else type(error).__name__

"""What happens around every request: counted, timed, logged, and known by an id."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from vectorwatch import tracing

from .endpoint import UNMATCHED, Endpoints
from .http_metrics import ACTIVE, DURATION, FAILURES, METHODS, REQUEST_SIZE, REQUESTS, STATUSES
from .labels import OTHER
from .log_fields import begin_request, end_request
from .logs import mark_logged
from .own_routes import OwnRoutes, path_inside
from .sampling import sample

ACCESS_LOGGER = "vectorwatch.access"
CLIENT_LEFT = 499
"""nginx's status of a request whose client left before the answer; no server error."""
_FAILED = 500
_SWITCHED = 101
_REFUSED = 403
_SANE_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
_SECRET_PARAMETER = re.compile(r"(?i)token|secret|password|passwd|key|code|signature")
_LONGEST_PATH = 256

_log = logging.getLogger(__name__)
_access = logging.getLogger(ACCESS_LOGGER)


class Middleware:
    """Outside of everything but the span, so that what other middlewares and error handlers answer counts."""

    def __init__(
        self,
        app: ASGIApp,
        endpoints: Endpoints,
        own_routes: OwnRoutes,
        *,
        access_log_share: float = 1.0,
        on_start: Callable[[], None] = lambda: None,
        on_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.app = app
        self._endpoints = endpoints
        self._own_routes = own_routes
        self._share = access_log_share
        self._on_start = on_start
        self._on_end = on_end
        self._has_failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, WebSocket or the life of the application."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._live(scope, receive, send)
            return
        path = path_inside(scope)
        if self._own_routes.has(path):
            await self.app(scope, receive, send)
            return
        exchange = (Exchange if kind == "http" else Conversation)(scope, receive, send)
        token = begin_request(exchange.fields)
        error: BaseException | None = None
        self._count_active(1)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._count_active(-1)
            try:
                self._record(scope, path, exchange, error)
            except Exception:
                self._report_failure()
            end_request(token)
            error = None  # or it would hold this frame, and this frame the error

    def _count_active(self, by: int) -> None:
        try:
            ACTIVE.inc(by=by)
        except Exception:
            self._report_failure()

    def _record(self, scope: Scope, path: str, exchange: Exchange, error: BaseException | None) -> None:
        seconds = (exchange.ended_at or perf_counter()) - exchange.started_at
        method = scope.get("method", "GET")  # a WebSocket begins as a GET
        if method not in METHODS:
            method = OTHER
        endpoint = self._endpoints.find(scope, path)
        status = exchange.status(error)
        REQUESTS.inc(method, endpoint, STATUSES.get(status, OTHER))
        if exchange.is_timed:
            DURATION.observe(seconds, method, endpoint)
            REQUEST_SIZE.observe(exchange.body_bytes, method, endpoint)
        if tracing.tracer() is not None:
            _name_span(method, endpoint)
        is_error = isinstance(error, Exception) and status != CLIENT_LEFT and not exchange.is_left(error)
        level = choose_level(status, is_error)
        if _access.isEnabledFor(level) and (
            level > logging.INFO or self._share == 1.0 or sample(self._share)
        ):
            _log_access(level, method, endpoint, status, seconds, path, scope, error if is_error else None)

    def _report_failure(self) -> None:
        """Say once what is wrong: the defect would repeat with every request."""
        try:
            FAILURES.inc()
            if not self._has_failed:
                self._has_failed = True
                _log.exception("a request could not be recorded; said once")
        except Exception:  # noqa: S110 - nothing here may break a request
            pass

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_start() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._on_start()
            return message

        async def send_end(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown.") and self._on_end is not None:
                await self._on_end()
            await send(message)

        await self.app(scope, receive_start, send_end)


class Exchange:
    """One HTTP request and its answer, as the messages that pass show them."""

    __slots__ = (
        *(
            "_receive",
            "_response_headers",
            "_send",
            "_status",
            "body_bytes",
            "ended_at",
            "fields",
            "is_disconnected",
        ),
        *("is_measured", "started_at"),
    )
    is_timed = True

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._status = 0
        self.body_bytes = 0
        self.is_measured = False
        self.is_disconnected = False
        request_id = correlation_id = ""
        for name, value in scope["headers"]:
            if name == b"content-length":
                self.body_bytes = int(value) if value.isdigit() else 0
                self.is_measured = True
            elif name == b"x-request-id":
                request_id = accept_id(value)
            elif name == b"x-correlation-id":
                correlation_id = accept_id(value)
        request_id = request_id or os.urandom(16).hex()
        correlation_id = correlation_id or request_id
        self.fields: dict[str, Any] = {"request_id": request_id, "correlation_id": correlation_id}
        self._response_headers = (
            (b"x-request-id", request_id.encode()),
            (b"x-correlation-id", correlation_id.encode()),
        )
        self.ended_at = 0.0
        self.started_at = perf_counter()

    async def receive(self) -> Message:
        """Pass on what the client sends."""
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            if not self.is_measured:
                self.body_bytes += len(message.get("body", b""))
        elif kind == "http.disconnect" and not self.ended_at:
            self.is_disconnected = True
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the application answers, with the ids among its headers."""
        kind = message["type"]
        if kind == "http.response.start":
            self._status = int(message["status"])
            message = {**message, "headers": self._with_ids(message)}
        try:
            await self._send(message)
        except OSError:  # what servers raise when the client is gone
            self.is_disconnected = True
            raise
        if kind == "http.response.pathsend" or (
            kind == "http.response.body" and not message.get("more_body", False)
        ):
            self.ended_at = perf_counter()

    def _with_ids(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = list(message.get("headers", ()))
        present = {name.lower() for name, _ in headers if name[:2].lower() == b"x-"}
        headers.extend(header for header in self._response_headers if header[0] not in present)
        return headers

    def status(self, error: BaseException | None) -> int:
        """Return the status that describes what the client got."""
        if self.is_disconnected:
            return CLIENT_LEFT
        if self.ended_at:
            return self._status
        if isinstance(error, asyncio.CancelledError):
            return CLIENT_LEFT
        # No answer, or one that broke off: the client sees a failure, whatever the first line has said.
        return max(self._status, _FAILED)

    def is_left(self, error: BaseException | None) -> bool:
        """Tell whether `error` says no more than that the client is gone."""
        return self.is_disconnected and isinstance(error, Exception) and not self._status


class Conversation(Exchange):
    """One WebSocket: 101 when accepted, 403 when refused, 500 when the application raised."""

    __slots__ = ()
    # It lasts as long as both sides like; among the durations of requests it would say nothing.
    is_timed = False

    async def receive(self) -> Message:
        """Pass on what the client sends."""
        return await self._receive()

    async def send(self, message: Message) -> None:
        """Pass on what the application sends."""
        kind = message["type"]
        if not self._status:
            if kind == "websocket.accept":
                self._status = _SWITCHED
                message = {**message, "headers": self._with_ids(message)}
            elif kind == "websocket.close":
                self._status = _REFUSED
            elif kind == "websocket.http.response.start":
                self._status = int(message["status"])
                message = {**message, "headers": self._with_ids(message)}
        await self._send(message)

    def status(self, error: BaseException | None) -> int:
        """Return the status of the handshake, or 500 when the application has failed."""
        if self.is_left(error):
            return self._status or CLIENT_LEFT
        if error is not None or not self._status:
            return max(self._status, _FAILED)
        return self._status

    def is_left(self, error: BaseException | None) -> bool:
        """Tell whether `error` says no more than that the client is gone."""
        return isinstance(error, (WebSocketDisconnect, asyncio.CancelledError))


def accept_id(value: bytes) -> str:
    """Return an id that a client has sent, or an empty text when it is not one that logs can bear."""
    text = value.decode("latin-1")
    return text if _SANE_ID.fullmatch(text) else ""


def choose_level(status: int, is_error: bool) -> int:
    """Return the level of an access line."""
    if is_error or status >= _FAILED:
        return logging.ERROR
    return logging.WARNING if status >= 400 and status != CLIENT_LEFT else logging.INFO  # noqa: PLR2004


def _log_access(
    level: int,
    method: str,
    endpoint: str,
    status: int,
    seconds: float,
    path: str,
    scope: Scope,
    error: BaseException | None,
) -> None:
    fields = {
        "duration_ms": round(seconds * 1000, 3),
        "event.outcome": "failure" if level >= logging.ERROR else "success",
        "http.request.method": method,
        "http.response.status_code": status,
        "http.route": endpoint,
        "url.path": hide_parameters(path, endpoint, scope),
    }
    _access.log(
        level,
        "%s %s %d",
        method,
        endpoint,
        status,
        exc_info=(type(error), error, error.__traceback__) if error is not None else None,
        extra=fields,
    )
    if error is not None:
        mark_logged(error)


def hide_parameters(path: str, endpoint: str, scope: Scope) -> str:
    """Return the path, or the template where a parameter's name says that its value is secret."""
    parameters = scope.get("path_params")
    if parameters and endpoint != UNMATCHED and any(map(_SECRET_PARAMETER.search, parameters)):
        return endpoint
    return path[:_LONGEST_PATH]


def _name_span(method: str, endpoint: str) -> None:
    """Name the span as OpenTelemetry says: method and route; the instrumentations do not see mounted routes."""
    from opentelemetry.trace import get_current_span

    span = get_current_span()
    if not span.is_recording():
        return
    name = "HTTP" if method == OTHER else method
    if endpoint == UNMATCHED:
        span.update_name(name)
        return
    span.update_name(f"{name} {endpoint}")
    span.set_attribute("http.route", endpoint)

"""What happens around every request: counted, timed, logged, and known by an id."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from vectorwatch import tracing

from .endpoint import UNMATCHED, Endpoints
from .http_metrics import ACTIVE, DURATION, FAILURES, METHODS, REQUEST_SIZE, REQUESTS, STATUSES
from .labels import OTHER
from .log_fields import begin_request, end_request
from .logs import is_logged, log_access
from .own_routes import OwnRoutes, path_inside
from .sampling import sample

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_MARK = "vectorwatch.instrument"
"""In the scope of a request that is recorded already, by an instrumented application around this one."""
CLIENT_LEFT = 499
"""nginx's status of a request whose client left before the answer; no server error."""
_FAILED = 500
_SWITCHED = 101
_REFUSED = 403
_SANE_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
_SECRET_PARAMETER = re.compile(r"(?i)token|secret|password|passwd|key|code|signature")
_PARAMETER = re.compile(r"\{(\w+)\}")
_LONGEST_PATH = 256

_log = logging.getLogger(__name__)


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
        self._active = ACTIVE.child()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, WebSocket or the life of the application."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._live(scope, receive, send)
            return
        path = path_inside(scope)
        if _MARK in scope or self._own_routes.has(path):
            await self.app(scope, receive, send)
            return
        scope[_MARK] = True
        exchange = (Exchange if kind == "http" else Conversation)(scope, receive, send)
        token = begin_request(exchange.fields)
        span = tracing.current_span()
        if span is not None:
            exchange.on_answer = functools.partial(self._name_span, span, scope, path)
            # FastAPI's word for "this request is traced already": a mounted FastAPI would open a second span.
            scope.setdefault("fastapi.telemetry", None)
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
            self._active.inc(by)
        except Exception:
            self._report_failure()

    def _record(self, scope: Scope, path: str, exchange: Exchange, error: BaseException | None) -> None:
        seconds = (exchange.ended_at or perf_counter()) - exchange.started_at
        method = read_method(scope)
        endpoint = self._endpoints.find(scope, path)
        status = exchange.status(error)
        REQUESTS.inc(method, endpoint, STATUSES.get(status, OTHER))
        if exchange.is_timed:
            DURATION.observe(seconds, method, endpoint)
            # Without an exemplar: nobody looks for the trace of a size.
            REQUEST_SIZE.child(method, endpoint).observe(exchange.body_bytes)
        is_error = isinstance(error, Exception) and not exchange.is_left(error)
        level = choose_level(status, is_error)
        if is_logged(level) and (level > logging.INFO or self._share == 1.0 or sample(self._share)):
            fields = {
                "duration_ms": int(seconds * 1_000_000) / 1000,
                "event.outcome": "failure" if level >= logging.ERROR else "success",
                "http.request.method": method,
                "http.response.status_code": status,
                "http.route": endpoint,
                "url.path": endpoint if has_secret(endpoint) else path[:_LONGEST_PATH],
            }
            log_access(level, fields, error if is_error else None)

    def _name_span(self, span: Span, scope: Scope, path: str) -> None:
        """Name the span when the answer begins: by its end OpenTelemetry has closed it."""
        try:
            name_span(span, read_method(scope), self._endpoints.find(scope, path))
        except Exception:
            self._report_failure()

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
        *("is_measured", "on_answer", "started_at"),
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
        self.on_answer: Callable[[], None] | None = None
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
            if self.on_answer is not None:
                self.on_answer()
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
        present = [name for name, _ in headers]
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
        return self.is_disconnected and error is not None


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
                if self.on_answer is not None:
                    self.on_answer()
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


def read_method(scope: Scope) -> str:
    """Return the method of a request, `other` for one that is unknown; a WebSocket begins as a GET."""
    method: str = scope.get("method", "GET")
    return method if method in METHODS else OTHER


def accept_id(value: bytes) -> str:
    """Return an id that a client has sent, or an empty text when it is not one that logs can bear."""
    text = value.decode("latin-1")
    return text if _SANE_ID.fullmatch(text) else ""


def choose_level(status: int, is_error: bool) -> int:
    """Return the level of an access line."""
    if is_error or status >= _FAILED:
        return logging.ERROR
    return logging.WARNING if status >= 400 and status != CLIENT_LEFT else logging.INFO


@functools.lru_cache(maxsize=4096)
def has_secret(endpoint: str) -> bool:
    """Tell whether a parameter of the template is named like a secret, as in `/reset/{token}`."""
    return any(_SECRET_PARAMETER.search(name) for name in _PARAMETER.findall(endpoint))


def name_span(span: Span, method: str, endpoint: str) -> None:
    """Name the span by method and route: OpenTelemetry's instrumentations see no mounted routes."""
    method = "HTTP" if method == OTHER else method
    name = method if endpoint == UNMATCHED else f"{method} {endpoint}"
    if getattr(span, "name", "") == name or not span.is_recording():
        return
    span.update_name(name)
    if endpoint != UNMATCHED:
        span.set_attribute("http.route", endpoint)

"""What happens around every request: counted, timed, logged, and known by an id."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vectorwatch import tracing
from vectorwatch.log_lines.fields import begin_request, end_request

from .endpoint import UNMATCHED, Endpoints
from .exchange import CLIENT_LEFT, FAILED, Conversation, Exchange
from .failures import Failures
from .http_metrics import ACTIVE, DURATION, METHODS, REQUEST_SIZE, REQUESTS, STATUSES
from .labels import OTHER
from .logs import is_logged, log_access
from .own_routes import OwnRoutes, path_inside
from .sampling import sample

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_MARK = "vectorwatch.instrument"
"""In the scope of a request that is recorded already, by an instrumented application around this one."""
_SECRET_PARAMETER = re.compile(r"(?i)token|secret|password|passwd|key|code|signature")
_PARAMETER = re.compile(r"\{(\w+)\}")
_LONGEST_PATH = 256
_NOT_FOUND = 404
_REDIRECTS = range(300, 400)


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
        self._failures = Failures("a request")
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
                self._failures.report()
            end_request(token)
            error = None  # or it would hold this frame, and this frame the error

    def _count_active(self, by: int) -> None:
        try:
            self._active.inc(by)
        except Exception:
            self._failures.report()

    def _record(self, scope: Scope, path: str, exchange: Exchange, error: BaseException | None) -> None:
        seconds = (exchange.ended_at or perf_counter()) - exchange.started_at
        method = read_method(scope)
        status = exchange.status(error)
        endpoint = self._find_endpoint(scope, path, status)
        # As the client has sent it: a method that is unknown counts as refused, once.
        REQUESTS.inc(scope.get("method", "GET"), endpoint, STATUSES.get(status, OTHER))
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
                "url.path": endpoint if hides_path(endpoint, status) else path[:_LONGEST_PATH],
            }
            log_access(level, fields, error if is_error else None)

    def _find_endpoint(self, scope: Scope, path: str, status: int) -> str:
        if scope.get("endpoint") is None and status != _NOT_FOUND:
            return self._endpoints.match(path)
        return self._endpoints.find(scope, path)

    def _name_span(self, span: Span, scope: Scope, path: str, status: int) -> None:
        """Name the span when the answer begins: by its end OpenTelemetry has closed it."""
        try:
            endpoint = self._find_endpoint(scope, path, status)
            name_span(span, read_method(scope), endpoint, is_path_hidden=hides_path(endpoint, status))
        except Exception:
            self._failures.report()

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


def read_method(scope: Scope) -> str:
    """Return the method of a request, `other` for one that is unknown; a WebSocket begins as a GET."""
    method: str = scope.get("method", "GET")
    return method if method in METHODS else OTHER


def choose_level(status: int, is_error: bool) -> int:
    """Return the level of an access line."""
    if is_error or status >= FAILED:
        return logging.ERROR
    return logging.WARNING if status >= 400 and status != CLIENT_LEFT else logging.INFO


@functools.lru_cache(maxsize=4096)
def has_secret(endpoint: str) -> bool:
    """Tell whether a parameter of the template is named like a secret, as in `/reset/{token}`."""
    return any(_SECRET_PARAMETER.search(name) for name in _PARAMETER.findall(endpoint))


def hides_path(endpoint: str, status: int) -> bool:
    """Tell whether the path may hold a secret: of a redirect nobody knows which route it would have had."""
    return has_secret(endpoint) or (endpoint == UNMATCHED and status in _REDIRECTS)


def name_span(span: Span, method: str, endpoint: str, *, is_path_hidden: bool) -> None:
    """Name the span by method and route: OpenTelemetry's instrumentations see no mounted routes."""
    method = "HTTP" if method == OTHER else method
    name = method if endpoint == UNMATCHED else f"{method} {endpoint}"
    if not span.is_recording():
        return
    if is_path_hidden:
        span.set_attribute("url.path", endpoint)
    if getattr(span, "name", "") != name:
        span.update_name(name)
        if endpoint != UNMATCHED:
            span.set_attribute("http.route", endpoint)

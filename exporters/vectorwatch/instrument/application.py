"""`instrument(app, service="…")`: everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from vectorwatch import tracing

from . import traces
from .endpoint import Endpoints
from .errors import SetupError
from .health import Health
from .logs import configure_logs as configure
from .logs import take_over_servers
from .middleware import Middleware
from .own_routes import OwnRoutes, add_routes, check_paths
from .prices import load_prices
from .sampling import check_share
from .workers import find_folder

_MARK = "_vectorwatch_instrumentation"


@dataclass(frozen=True)
class Instrumentation:
    """What `instrument` has set up."""

    service: str
    version: str
    health: Health


def instrument(
    app: Starlette,
    *,
    service: str,
    version: str = "",
    metrics_path: str = "/metrics",
    health_path: str = "/health",
    traces_endpoint: str = "",
    log_level: str = "INFO",
    log_file: str | Path | None = None,
    configure_logs: bool = True,
    access_log_share: float = 1.0,
) -> Instrumentation:
    """Instrument a FastAPI or Starlette application, once, before it starts.

    Adds `metrics_path`, `health_path`, `<health_path>/detailed` and `<health_path>/<component>`; an empty
    path leaves them out. Spans go to `traces_endpoint`, a base such as http://jaeger:4318, or where the
    standard variables `OTEL_EXPORTER_OTLP_…` say; with neither there are none. `configure_logs=False` leaves
    the handlers of the application alone. `access_log_share`: how many of the access lines of requests that
    went well are written. Raises SetupError with one line that says what to mend.
    """
    check(app, service, metrics_path, health_path, traces_endpoint, access_log_share)
    if configure_logs:
        configure(service, version=version, level=log_level, log_file=log_file)
    instrumentation = Instrumentation(service, version, Health(service, version))
    own_routes = OwnRoutes(instrumentation.health, metrics_path, health_path)
    add_routes(app, own_routes)
    endpoints = Endpoints(app)
    provider = None
    if traces.is_wanted(traces_endpoint):
        provider = tracing.start(service, version, endpoint=traces_endpoint)
        traces.prepare(app, provider)

    def wrap(stack: ASGIApp) -> Middleware:
        return Middleware(
            stack,
            endpoints,
            own_routes,
            access_log_share=access_log_share,
            on_start=take_over_servers if configure_logs else lambda: None,
            on_end=traces.flush if provider is not None else None,
        )

    build = app.build_middleware_stack

    def build_with_ours() -> ASGIApp:
        try:
            check_paths(app, own_routes)  # again: now all routes and parts are known
        except SetupError as error:
            return Refused(error)
        stack = build()
        return wrap(stack) if provider is None else traces.insert(stack, wrap, own_routes, provider)

    # As OpenTelemetry's instrumentation does it: `add_middleware` would leave out what is added later and
    # what error handlers answer.
    app.build_middleware_stack = build_with_ours  # type: ignore[method-assign]
    setattr(app, _MARK, instrumentation)
    return instrumentation


class Refused:
    """In the place of an application that cannot start: the server ends with one line that says why."""

    def __init__(self, error: SetupError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse to start; where there is no lifespan, refuse each request."""
        if scope["type"] != "lifespan":
            raise self._error
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(self._error)})


def check(
    app: Any,
    service: str,
    metrics_path: str,
    health_path: str,
    traces_endpoint: str,
    access_log_share: float,
) -> None:
    """Raise SetupError for what cannot work."""
    if not isinstance(app, Starlette):
        raise SetupError(
            f"instrument: `app` is a {type(app).__name__}; give it the FastAPI or Starlette application"
        )
    if hasattr(app, _MARK):
        raise SetupError("instrument: this application is instrumented already; call `instrument` once")
    if app.middleware_stack is not None:
        raise SetupError("instrument: this application has started; call `instrument` where it is made")
    if not service:
        raise SetupError("service: empty; name the service, as its traces and logs shall")
    for option, path in (("metrics_path", metrics_path), ("health_path", health_path)):
        if path and (not path.startswith("/") or path.endswith("/")):
            raise SetupError(f"{option}: `{path}` must begin with `/` and not end with it")
    if metrics_path and metrics_path == health_path:
        raise SetupError(f"metrics_path: `{metrics_path}` is `health_path` as well")
    if traces_endpoint and not traces_endpoint.startswith(("http://", "https://")):
        raise SetupError(
            f"traces_endpoint: `{traces_endpoint}` must begin with http:// or https://, as http://jaeger:4318"
        )
    check_share(access_log_share)
    find_folder()
    # Both are read when they are first used; a mistake in them shall end the start and not fail a request.
    import_module(f"{__package__}.domains.limits")
    load_prices()

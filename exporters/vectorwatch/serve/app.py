"""The routes of an exporter."""

from __future__ import annotations

import asyncio
import gzip
import html
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector

from vectorwatch import __version__

from .exposition import content_type, render, wants_openmetrics
from .metric import Sink
from .scrape import Exporter, timeout_from_header

# Above this a thread writes the answer, so that the event loop goes on serving; below it the hop costs more.
_SERIES_WRITTEN_INLINE = 1_000
_GZIP_FROM_BYTES = 1_400  # one network packet: below it nothing is saved
_GZIP_LEVEL = 1  # metric text shrinks tenfold at level 1; higher levels cost more time than bytes

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def own_registry(service: str) -> CollectorRegistry:
    """Return a registry with the process metrics and `vectorwatch_build_info` of this program."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Gauge(
        "vectorwatch_build_info",
        "Version of this program; always 1.",
        ["program", "version"],
        registry=registry,
    ).labels(service, __version__).set(1)
    return registry


def base_app(
    title: str,
    lifespan: Lifespan | None = None,
    find_trouble: Callable[[], str] = str,
    openapi_url: str | None = None,
) -> FastAPI:
    """Return an application with `/healthz` and `/readyz` only, and with its schema at `openapi_url`.

    `find_trouble` says in one sentence why the service cannot do its work now; `/readyz` is then 503. Without
    it `/readyz` says that the start has ended, because routes are served only after it.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=openapi_url,
        # A span for each question whether we are ready would bury those of our own work (`span`).
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )

    @app.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> str:
        """Say that this process answers."""
        return "ok\n"

    @app.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "Not ready"}})
    async def readyz() -> Response:
        """Say whether this process can do its work."""
        trouble = find_trouble()
        return PlainTextResponse(f"{trouble or 'ready'}\n", status_code=503 if trouble else 200)

    return app


def exporter_app(
    exporter: Exporter[Any], registry: CollectorRegistry, lifespan: Lifespan | None = None
) -> FastAPI:
    """Return the application of `exporter`; `registry` holds the metrics of this process itself."""
    app = base_app(f"Vectorwatch {exporter.name} exporter", lifespan)

    async def metrics(request: Request) -> Response:
        """Expose this process and its first target, or with `first_target=no` the process alone.

        Where Prometheus reads every target through `/probe`, the first one would otherwise come twice.
        """
        wanted = request.query_params.get("first_target", "yes")
        if wanted not in ("yes", "no"):
            return PlainTextResponse("`first_target` is `yes` or `no`\n", status_code=400)
        target = exporter.targets.default if wanted == "yes" else None
        sink = await _scrape(exporter, target, request) if target else Sink(0)
        sink.attach(registry)
        return await exposition_response(request, sink)

    async def probe(request: Request) -> Response:
        """Expose one of the allowed targets."""
        wanted = request.query_params.get("target")
        if not wanted:
            return _refuse("Give `?target=`; allowed are", exporter)
        found = exporter.targets.find(wanted)
        if found is None:
            return _refuse("That target is not in the configuration; allowed are", exporter)
        return await exposition_response(request, await _scrape(exporter, found, request))

    # Starlette's routes: FastAPI's resolve dependencies, for about a tenth of a small scrape's time.
    app.add_route("/metrics", metrics)
    app.add_route("/probe", probe)

    @app.get("/", response_class=HTMLResponse)
    async def landing() -> str:
        """Show what is here."""
        return landing_page(exporter.name, exporter.targets.labels())

    return app


def add_metrics(
    app: FastAPI, registry: CollectorRegistry, fill: Callable[[Sink], None], max_series: int
) -> None:
    """Add `/metrics`: what `fill` puts into a sink, and the metrics of this process in `registry`."""

    async def metrics(request: Request) -> Response:
        sink = Sink(max_series)
        fill(sink)
        sink.attach(registry)
        return await exposition_response(request, sink)

    app.add_route("/metrics", metrics)


async def exposition_response(request: Request, sink: Sink) -> Response:
    """Return what `sink` holds in the format and encoding that the request asks for."""
    openmetrics = wants_openmetrics(request.headers.get("accept", ""))
    compress = accepts_gzip(request.headers.get("accept-encoding", ""))
    if sink.series > _SERIES_WRITTEN_INLINE:
        body, encoding = await asyncio.to_thread(_write, sink, openmetrics, compress)
    else:
        body, encoding = _write(sink, openmetrics, compress)
    headers = {"Vary": "Accept, Accept-Encoding"} | ({"Content-Encoding": encoding} if encoding else {})
    # Response would append a charset to a text type; Prometheus names its own.
    return Response(body, headers=headers | {"Content-Type": content_type(openmetrics)})


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an `Accept-Encoding` header lets the answer be gzip: named, and not with `q=0`."""
    for part in accept_encoding.split(","):
        coding, *parameters = part.replace(" ", "").split(";")
        if coding == "gzip":
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


def _write(sink: Sink, openmetrics: bool, compress: bool) -> tuple[bytes, str | None]:
    body = render(sink.families(), sink.registries, use_openmetrics=openmetrics)
    if compress and len(body) >= _GZIP_FROM_BYTES:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0), "gzip"
    return body, None


async def _scrape(exporter: Exporter[Any], target: Any, request: Request) -> Sink:
    header = request.headers.get("x-prometheus-scrape-timeout-seconds")
    return await exporter.scrape(target, timeout_from_header(header, exporter.timeout_seconds))


def _refuse(sentence: str, exporter: Exporter[Any]) -> Response:
    allowed = ", ".join(exporter.targets.labels()) or "none: configure one"
    return PlainTextResponse(f"{sentence}: {allowed}\n", status_code=400)


def landing_page(name: str, labels: list[str]) -> str:
    """Return the page at `/`."""
    rows = "".join(f"<li>{html.escape(label)}</li>" for label in labels) or "<li>none</li>"
    return (
        f'<!doctype html><html lang="en"><title>Vectorwatch {html.escape(name)}</title>'
        f"<h1>Vectorwatch {html.escape(name)} {html.escape(__version__)}</h1>"
        '<p><a href="/metrics">/metrics</a> · /probe?target=… · <a href="/healthz">/healthz</a> · '
        f'<a href="/readyz">/readyz</a></p><h2>Targets</h2><ul>{rows}</ul></html>'
    )

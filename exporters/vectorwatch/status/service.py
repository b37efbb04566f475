"""`vectorwatch status-api`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response

from vectorwatch.serve.app import base_app, exposition_response, own_registry
from vectorwatch.serve.metric import Sink
from vectorwatch.serve.server import start

from .checker import Checker
from .routes import health_routes
from .settings import StatusSettings

SERVICE = "status"


def build_app(settings: StatusSettings) -> FastAPI:
    """Return the application; its connections are held while it runs."""
    checker = Checker(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with checker.run():
            yield

    app = base_app("Vectorwatch status", lifespan, openapi_url="/openapi.json")
    app.include_router(health_routes(checker))
    registry = own_registry(SERVICE)

    async def metrics(request: Request) -> Response:
        """Expose this process."""
        sink = Sink(0)
        sink.attach(registry)
        return await exposition_response(request, sink)

    app.add_route("/metrics", metrics)
    return app


def run(config: Path | None) -> None:
    """Serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, StatusSettings, build_app, config)

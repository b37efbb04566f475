"""`vectorwatch status-api`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from vectorwatch.serve.app import add_metrics, base_app, own_registry
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
    add_metrics(app, own_registry(SERVICE), lambda _sink: None, max_series=0)
    return app


def run(config: Path | None) -> None:
    """Serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, StatusSettings, build_app, config)

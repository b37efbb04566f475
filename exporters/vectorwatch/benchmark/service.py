"""`vectorwatch benchmark serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from vectorwatch.serve.app import add_metrics, base_app, own_registry
from vectorwatch.serve.server import start

from .metrics import expose
from .runner import Runner
from .settings import BenchmarkSettings

SERVICE = "benchmark"
_MOST_SERIES = 50_000


def build_app(settings: BenchmarkSettings) -> FastAPI:
    """Return the application; its runs start and end with it."""
    runner = Runner(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with runner.run():
            yield

    app = base_app("Vectorwatch benchmark", lifespan)
    add_metrics(app, own_registry(SERVICE), partial(expose, runner.record), _MOST_SERIES)
    return app


def run(config: Path | None) -> None:
    """Measure and serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, BenchmarkSettings, build_app, config)

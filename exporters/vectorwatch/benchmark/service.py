"""`vectorwatch benchmark serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response

from vectorwatch.serve.app import base_app, exposition_response, own_registry
from vectorwatch.serve.metric import Sink
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
    registry = own_registry(SERVICE)

    async def metrics(request: Request) -> Response:
        """Expose the figures, the baselines and this process."""
        sink = Sink(_MOST_SERIES)
        expose(runner.record, sink)
        sink.attach(registry)
        return await exposition_response(request, sink)

    app.add_route("/metrics", metrics)
    return app


def run(config: Path | None) -> None:
    """Measure and serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, BenchmarkSettings, build_app, config)

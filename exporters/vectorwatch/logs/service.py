"""`vectorwatch exporter logs`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from vectorwatch.serve.app import exporter_app, own_registry
from vectorwatch.serve.scrape import Exporter
from vectorwatch.serve.server import start

from .collector import Collector
from .settings import LogPipelineBook, LogsSettings

SERVICE = "logs-exporter"


def build_app(settings: LogsSettings) -> FastAPI:
    """Return the exporter's application; its searches start and end with it."""
    collector = Collector(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with collector.run():
            yield

    exporter = Exporter(
        name="logs",
        targets=LogPipelineBook(),
        collect=collector.collect,
        max_series=settings.max_series,
        timeout_seconds=settings.scrape_timeout_seconds,
    )
    return exporter_app(exporter, own_registry(SERVICE), lifespan)


def run(config: Path | None) -> None:
    """Serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, LogsSettings, build_app, config)

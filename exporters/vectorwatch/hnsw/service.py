"""`vectorwatch probe hnsw`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from vectorwatch.serve.app import exporter_app, own_registry
from vectorwatch.serve.scrape import Exporter
from vectorwatch.serve.server import start

from .collector import Collector
from .settings import HnswSettings

SERVICE = "hnsw-probe"


def build_app(settings: HnswSettings) -> FastAPI:
    """Return the probe's application; its rounds start and end with it."""
    book = settings.target_book()
    collector = Collector(settings, book)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with collector.run():
            yield

    exporter = Exporter(
        name="hnsw",
        targets=book,
        collect=collector.collect,
        max_series=settings.max_series,
        timeout_seconds=settings.scrape_timeout_seconds,
    )
    return exporter_app(exporter, own_registry(SERVICE), lifespan)


def run(config: Path | None) -> None:
    """Probe and serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, HnswSettings, build_app, config)

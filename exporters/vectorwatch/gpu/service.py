"""`vectorwatch exporter gpu`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI

from vectorwatch.serve.app import exporter_app, own_registry
from vectorwatch.serve.scrape import Exporter
from vectorwatch.serve.server import start

from .client import Nvml
from .collector import Collector
from .settings import GpuSettings, LocalBook, LocalMachine

SERVICE = "gpu-exporter"


def build_exporter(settings: GpuSettings, collector: Collector) -> Exporter[LocalMachine]:
    """Return the room as the kernel sees it."""
    return Exporter(
        name="gpu",
        targets=LocalBook(),
        collect=collector.collect,
        max_series=settings.max_series,
        timeout_seconds=settings.scrape_timeout_seconds,
    )


def build_app(settings: GpuSettings) -> FastAPI:
    """Return the exporter's application."""
    collector = Collector(settings, Nvml())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        collector.start()
        opening = asyncio.create_task(collector.open_driver())
        yield
        collector.stop()
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening

    return exporter_app(build_exporter(settings, collector), own_registry(SERVICE), lifespan)


def run(config: Path | None) -> None:
    """Serve until SIGTERM. Raises ConfigError."""
    start(SERVICE, GpuSettings, build_app, config)

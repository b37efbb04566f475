"""Run the inbox: one process, one event loop, two ports."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from vectorwatch import __version__
from vectorwatch.serve.app import add_metrics, base_app, own_registry
from vectorwatch.serve.log import configure
from vectorwatch.serve.server import listen
from vectorwatch.serve.server import run as serve
from vectorwatch.serve.span import traced
from vectorwatch.settings import load

from .guard import KnownHosts, KnownHostsOnly, SafeHeaders
from .intake import Intake
from .journal import Journal
from .metrics import JOURNAL, InboxMetrics
from .reader import Reader
from .receive import receive_routes
from .routes import api_routes, page_routes
from .settings import ENV_PREFIX, InboxSettings
from .smtp import start_smtp
from .writer import Writer

log = logging.getLogger(__name__)

_MOST_SERIES = 1_000  # there are about twenty


def run(config: Path | None) -> None:
    """Run until SIGTERM; raise VectorwatchError when a setting, a port or the folder cannot be used."""
    settings = load(InboxSettings, config_file=config)
    configure("inbox", settings.log_level, settings.log_file)
    mail_listener = listen(settings.smtp_host, settings.smtp_port, f"{ENV_PREFIX}SMTP_")
    journal = Journal.open(
        settings.data, settings.max_journal_bytes, retry_window_seconds=settings.retry_window_seconds
    )
    try:
        with traced("inbox", __version__, settings.traces_endpoint):
            serve(build_app(settings, journal, mail_listener), settings)
    finally:
        journal.close()


def build_app(settings: InboxSettings, journal: Journal, mail_listener: socket.socket) -> FastAPI:
    """Return the application; while it runs it takes mail on `mail_listener` too."""
    registry = own_registry("inbox")
    metrics = InboxMetrics(registry)
    metrics.set_last_received(journal.index.last_received)
    writer = Writer(journal, metrics)
    intake = Intake(writer, metrics, settings.max_message_bytes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        writing = asyncio.create_task(writer.run())
        mail_server = await start_smtp(mail_listener, intake)
        log.info(
            "inbox: http://%s:%d, mail on port %d, %d entries in %s",
            settings.host,
            settings.port,
            settings.smtp_port,
            len(journal.index),
            settings.data,
        )
        try:
            yield
        finally:
            mail_server.close()
            writer.stop()
            await writing

    app = base_app("Vectorwatch alert inbox", lifespan, find_trouble=lambda: writer.trouble)
    hosts = KnownHosts(settings.allowed_hosts)
    app.add_middleware(KnownHostsOnly, hosts=hosts)
    app.add_middleware(SafeHeaders)
    add_metrics(app, registry, lambda sink: sink.add(JOURNAL, [writer.state()]), _MOST_SERIES)
    app.include_router(receive_routes(intake, hosts))
    reader = Reader(journal)
    app.include_router(api_routes(reader))
    app.include_router(page_routes(reader, writer, _explain_addresses(settings)))
    return app


def _explain_addresses(settings: InboxSettings) -> str:
    base = f"http://{settings.host}:{settings.port}"
    return (
        f"webhook_configs:  url: {base}/webhook\n"
        f"slack_configs:    api_url: {base}/slack\n"
        f"email_configs:    smarthost: {settings.smtp_host}:{settings.smtp_port}\n"
        "                  require_tls: false"
    )

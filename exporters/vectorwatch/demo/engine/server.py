"""The listening process."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading

import uvicorn

from vectorwatch.demo.engine.app import create_app
from vectorwatch.demo.engine.settings import Settings
from vectorwatch.errors import VectorwatchError
from vectorwatch.serve.log import configure

log = logging.getLogger(__name__)

_GRACE_SECONDS = 1
"""For requests under way at SIGTERM; with the flush that follows, the end comes within two seconds."""
_KEEP_ALIVE_SECONDS = 120
"""Longer than a scrape interval: a connection closed between two requests costs a client a retry."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises VectorwatchError when port or data folder are in use."""
    with _listen(settings) as listener:
        configure("qdrant", "INFO")
        app = create_app(settings)
        host, port = listener.getsockname()[:2]
        log.info("embedded Qdrant on http://%s:%d, data in %s", host, port, settings.data)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            lifespan="on",
        )
        _end_with_success_on_signals()
        uvicorn.Server(config).run(sockets=[listener])


def _end_with_success_on_signals() -> None:
    # uvicorn raises the signal again after a clean end; a supervisor should see a success.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as error:
        # Python adds the address to the text of the system, a resolver's error has a text of its own.
        cause = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else error.strerror
        raise VectorwatchError(
            f"engine: cannot listen on {settings.host}:{settings.port}: {cause}; "
            "stop what listens there or pass another --port"
        ) from error

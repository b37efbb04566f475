"""Run an application until SIGTERM or SIGINT."""

from __future__ import annotations

import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from vectorwatch import __version__
from vectorwatch.errors import VectorwatchError
from vectorwatch.settings import load

from . import log
from .settings import ServeSettings
from .span import traced

S = TypeVar("S", bound=ServeSettings)

# An idle Prometheus connection outlives several scrape intervals.
_KEEP_ALIVE_SECONDS = 120
_SHUTDOWN_SECONDS = 1


def run(app: FastAPI, settings: ServeSettings) -> None:
    """Serve `app`; end with exit code 0 within two seconds of SIGTERM.

    Raises VectorwatchError when the address cannot be taken.
    """
    listener = listen(settings.host, settings.port, str(settings.model_config["env_prefix"]))
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        ws="none",  # its library would cost memory that nothing uses
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    # uvicorn raises the signal again after a clean end; a service manager should see a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    # What is loaded now stays: a full collection that walks it would be the slowest scrape of every hundred.
    gc.collect()
    gc.freeze()
    server = uvicorn.Server(config)
    # A scrape that is cut off at the end is no error; uvicorn would log it as one, with a traceback.
    logging.getLogger("uvicorn.error").addFilter(lambda _record: not server.should_exit)
    server.run(sockets=[listener])


def start(program: str, model: type[S], build_app: Callable[[S], FastAPI], config: Path | None) -> None:
    """Load the settings of `program`, set its logs up and serve until SIGTERM. Raises ConfigError."""
    settings = load(model, config_file=config)
    log.configure(program, settings.log_level, settings.log_file)
    with traced(program, __version__, settings.traces_endpoint):
        run(build_app(settings), settings)


def listen(host: str, port: int, env_prefix: str) -> socket.socket:
    """Return a listening socket, or raise VectorwatchError that says how to choose another address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        hint = {
            errno.EADDRINUSE: f"is taken by another program; stop it or set `{env_prefix}PORT`",
            errno.EACCES: f"needs root; set `{env_prefix}PORT` to one above 1023",
        }.get(error.errno or 0, f"cannot be used ({error.strerror}); set `{env_prefix}HOST`")
        raise VectorwatchError(f"port {port} on {host} {hint}") from error

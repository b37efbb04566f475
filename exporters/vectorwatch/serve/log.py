"""JSON logs on stdout in ECS fields, written by Elastic's own formatter."""

from __future__ import annotations

import logging
import sys

import ecs_logging

# These libraries say at INFO what a metric already says.
_QUIET = ("aiohttp.access", "asyncio", "httpx", "mail.log", "uvicorn.access", "uvicorn.error")


def configure(service: str, level: str) -> None:
    """Send every log record to stdout as one JSON line that names `service` (ECS `service.name`)."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        ecs_logging.StdlibFormatter(
            extra={"service.name": service}, exclude_fields=["process", "log.original"]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)

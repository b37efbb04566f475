"""The log lines of our own programs: those of an instrumented application."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from vectorwatch import __version__
from vectorwatch.errors import ConfigError
from vectorwatch.log_lines.formatter import Formatter
from vectorwatch.log_lines.rotation import open_log_file

# These libraries say at INFO what a metric already says.
_QUIET = ("aiohttp.access", "asyncio", "httpx", "mail.log", "uvicorn.access", "uvicorn.error")


def configure(service: str, level: str, log_file: Path | None = None) -> None:
    """Send every log record to stdout, and to `log_file` if one is named, as one line of ECS JSON.

    Raises ConfigError when the file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if log_file is not None:
        handlers.append(_open(log_file))
    formatter = Formatter(service, __version__)
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _open(path: Path) -> logging.Handler:
    try:
        return open_log_file(path)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise ConfigError(f"config: `log_file`: {path} cannot be written: {reason}; name another") from error

"""The log lines of an application, to stdout and, if wanted, to a file."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import Any

from vectorwatch.log_lines.formatter import ACCESS_LOGGER, Formatter
from vectorwatch.log_lines.rotation import open_log_file

from .errors import SetupError

QUIET = (
    *(
        "asyncio",
        "filelock",
        "hpack",
        "httpcore",
        "httpx",
        "opentelemetry.attributes",
        "opentelemetry.instrumentation",
    ),
    *("openai", "qdrant_client", "urllib3", "uvicorn.access", "watchfiles"),
)
"""Libraries that say at INFO what the access line or a metric says; heard from WARNING on."""

SERVERS = (
    "gunicorn",
    "gunicorn.access",
    "gunicorn.error",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.asgi",
    "uvicorn.error",
)
"""Servers give these loggers handlers of their own, which write plain text."""

_access = logging.getLogger(ACCESS_LOGGER)
_MARK = "_vectorwatch_logged"


def log_access(level: int, fields: dict[str, Any], error: BaseException | None) -> None:
    """Write the line of one request; its place in the code would be the same each time and is left out."""
    message = f"{fields['http.request.method']} {fields['http.route']} {fields['http.response.status_code']}"
    exception = (type(error), error, error.__traceback__) if error is not None else None
    record = _access.makeRecord(ACCESS_LOGGER, level, "", 0, message, (), exception)
    record.__dict__.update(fields)  # as `extra` would, without comparing names that are known
    _access.handle(record)
    if error is not None:
        with contextlib.suppress(AttributeError):  # an error with slots takes no mark
            error.__dict__[_MARK] = True


def configure_logs(
    service: str,
    *,
    version: str = "",
    level: str = "INFO",
    log_file: str | Path | None = None,
) -> None:
    """Send every log record to stdout, and to `log_file` if one is named, as one line of ECS JSON.

    Replaces the handlers of the root logger. The file rotates at 100 MB and five old ones are kept; several
    processes must not share one. Raises SetupError for an unknown level or a file that cannot be written.
    """
    names = logging.getLevelNamesMapping()
    if level.upper() not in names:
        known = ", ".join(sorted(names, key=names.__getitem__))
        raise SetupError(f"log_level: `{level}` is no level; write one of {known}")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if log_file is not None:
        handlers.append(_open_file(Path(log_file)))
    formatter = Formatter(service, version)
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, logging.FileHandler) and type(old.formatter) is Formatter:
            old.close()
    root.handlers = handlers
    root.setLevel(level.upper())
    take_over_servers()


def take_over_servers() -> None:
    """Let what uvicorn and gunicorn log reach the root logger, and no handler of theirs; quieten libraries.

    Servers set levels and handlers before or after the application is imported, so this runs then and at
    start-up.
    """
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    for name in SERVERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("uvicorn.error").addFilter(_is_new)


def is_logged(level: int) -> bool:
    """Tell whether access lines of this level are written."""
    return _access.isEnabledFor(level)


def _is_new(record: logging.LogRecord) -> bool:
    """Tell whether no access line carries this error already; a server would write it a second time."""
    error = record.exc_info[1] if record.exc_info else None
    return not (error is not None and getattr(error, _MARK, False))


def _open_file(path: Path) -> logging.Handler:
    try:
        return open_log_file(path)
    except OSError as error:
        raise SetupError(
            f"log_file: `{path}` cannot be written: {error.strerror}; name another place"
        ) from error

"""JSON logs in the fields of the Elastic Common Schema, one line a record, to stdout and, if wanted, a file."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ecs_logging

from vectorwatch import tracing

from .errors import SetupError
from .log_fields import current_fields
from .redaction import redact

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

_SERVERS = (
    "gunicorn",
    "gunicorn.access",
    "gunicorn.error",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.asgi",
    "uvicorn.error",
)
"""Servers give these loggers handlers of their own, which write plain text."""

FILE_BYTES = 100_000_000
FILES = 5
"""A log file grows to 100 MB and five older ones are kept, as the requirements say."""

NAMES = {
    "client_ip": "client.ip",
    "error": "error.message",
    "error_type": "error.type",
    "method": "http.request.method",
    "request_id": "http.request.id",
    "span_id": "span.id",
    "status_code": "http.response.status_code",
    "trace_id": "trace.id",
    "user_agent": "user_agent.original",
    "user_id": "user.id",
}
"""Fields that ECS has under another name. All others, such as `component` or `cache_hit`, keep theirs."""

_OBJECTS = frozenset(
    {
        *(
            "agent",
            "client",
            "cloud",
            "container",
            "data_stream",
            "destination",
            "dns",
            "ecs",
            "error",
            "event",
        ),
        *(
            "file",
            "host",
            "http",
            "labels",
            "log",
            "network",
            "observer",
            "organization",
            "process",
            "server",
        ),
        *("service", "source", "span", "trace", "transaction", "url", "user", "user_agent"),
    }
)
"""Objects of ECS: a plain value under such a name would make Elasticsearch refuse the line."""

_LEAST_ATTRIBUTES = len(vars(logging.makeLogRecord({})))
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=repr, ensure_ascii=False)
_MARK = "_vectorwatch_logged"
_NANOSECONDS_PER_MILLISECOND = 1_000_000


class Formatter(ecs_logging.StdlibFormatter):  # type: ignore[misc]
    """Elastic's formatter, with the fields of `log_context` and the trace, without secrets, and faster.

    Elastic's own takes about 60 µs a line, most of it for fields that can be excluded; this writes the same
    fields for records of ours (a test compares them).
    """

    def __init__(self, service: str, version: str = "") -> None:
        super().__init__()
        self._service = {"name": service} | ({"version": version} if version else {})
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON, whatever the record holds."""
        try:
            line = _ENCODER.encode(self.format_to_ecs(record))
        except Exception as error:  # noqa: BLE001 - a line that cannot be written must not be lost
            line = _ENCODER.encode(
                {
                    "@timestamp": self._timestamp(record),
                    "log.level": record.levelname.lower(),
                    "message": f"{record.msg} (arguments or fields could not be written: {error!r})",
                    "log": {"logger": record.name},
                    "service": self._service,
                }
            )
        return redact(line)

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields of one line."""
        result: dict[str, Any] = {
            "@timestamp": self._timestamp(record),
            "log.level": record.levelname.lower(),
            "message": record.getMessage(),
            "ecs.version": ecs_logging._meta.ECS_VERSION,
            "log": {
                "logger": record.name,
                "origin": {
                    "file": {"line": record.lineno, "name": record.filename},
                    "function": record.funcName,
                },
            },
            "service": self._service.copy(),
        }
        for name, value in current_fields().items():
            _put(result, name, value)
        own = record.__dict__
        if len(own) > _LEAST_ATTRIBUTES:
            for name, value in own.items():
                if name not in _STANDARD:
                    _put(result, name, value)
        if record.exc_info or record.stack_info:
            self._put_error(result, record)
        ids = tracing.current_ids()
        if ids is not None:
            result["trace"], result["span"] = {"id": ids[0]}, {"id": ids[1]}
        return result

    def _put_error(self, result: dict[str, Any], record: logging.LogRecord) -> None:
        for name, value in (
            ("error.type", self._record_error_type(record)),
            ("error.message", self._record_error_message(record)),
            ("error.stack_trace", self._record_error_stack_trace(record)),
        ):
            if value is not None:
                _put(result, name, value)

    def _timestamp(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if self._second[0] != second:
            self._second = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
        return f"{self._second[1]}.{int(record.msecs):03d}Z"


def _put(result: dict[str, Any], name: str, value: Any) -> None:
    """Put one field in; its name may be dotted, its value a mapping. None is no field."""
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _put(result, f"{name}.{key}", inner)
        return
    name = NAMES.get(name, name)
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)  # JSON has no NaN, and the line would be lost
    if name == "duration_ms" and isinstance(value, (int, float)):
        result.setdefault("event", {})["duration"] = int(value * _NANOSECONDS_PER_MILLISECOND)
    if name in _OBJECTS:
        name = f"labels.{name}"
    if "." not in name:
        result[name] = value
        return
    *objects, last = name.split(".")
    place = result
    for part in objects:
        inside = place.setdefault(part, {})
        if not isinstance(inside, dict):
            return  # the name is taken by a value; the first stays
        place = inside
    place[last] = value


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
        raise SetupError(
            f"log_level: `{level}` is no level; write one of {', '.join(sorted(names, key=names.__getitem__))}"
        )
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
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    take_over_servers()


def take_over_servers() -> None:
    """Let what uvicorn and gunicorn log reach the root logger, and no handler of theirs.

    They set their handlers up before or after the application is imported, so this runs then and at start-up.
    """
    for name in _SERVERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("uvicorn.error").addFilter(_is_new)


def mark_logged(error: BaseException) -> None:
    """Say that the access line carries this error, so that the server does not write it a second time."""
    with contextlib.suppress(AttributeError):  # an error with slots takes no mark
        error.__dict__[_MARK] = True


def _is_new(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not (error is not None and getattr(error, _MARK, False))


def _open_file(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(
            path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
        )
    except OSError as error:
        raise SetupError(
            f"log_file: `{path}` cannot be written: {error.strerror}; name another place"
        ) from error

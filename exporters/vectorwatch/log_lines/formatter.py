"""One line of JSON a log record, in the fields of the Elastic Common Schema, without secrets."""

from __future__ import annotations

import functools
import json
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import ecs_logging
from ecs_logging._meta import ECS_VERSION

from vectorwatch import tracing

from .fields import Fields, current_fields
from .redaction import HIDDEN, names_secret, redact

ACCESS_LOGGER = "vectorwatch.access"

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
# ASCII, so that no encoding of stdout and no broken character can lose a line.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=repr)
_START = '{"@'
_escape = json.encoder.encode_basestring_ascii
_IDS = 2  # of the request and of what it belongs to
_MOST_HEADS = 10_000
_NANOSECONDS_PER_MILLISECOND = 1_000_000


class Formatter(ecs_logging.StdlibFormatter):
    """Elastic's formatter, with the fields of `log_context` and the trace, without secrets, and faster.

    Elastic's own takes about 60 µs a line, most of it for fields that can be excluded; this writes the same
    fields for records of ours (a test compares them).
    """

    def __init__(self, service: str, version: str = "") -> None:
        super().__init__()
        self._service = {"name": service} | ({"version": version} if version else {})
        self._second = (-1, "")
        self._heads: dict[tuple[str, str, int, int], str] = {}

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON, whatever the record holds."""
        try:
            if record.name == ACCESS_LOGGER and not record.exc_info:
                fields = current_fields()
                if len(fields) == _IDS:
                    return self._write_access(record, fields)
            line = _ENCODER.encode(self.format_to_ecs(record))
        except Exception as error:  # a line that cannot be written must not be lost
            line = _ENCODER.encode(
                {
                    "@timestamp": self._timestamp(record),
                    "log.level": record.levelname.lower(),
                    "message": f"{record.msg} (arguments or fields could not be written: {error!r})",
                    "log": {"logger": record.name},
                    "service": self._service,
                }
            )
        # The `@` of `@timestamp` would look like that of an address.
        return _START + redact(line[len(_START) :])

    def _write_access(self, record: logging.LogRecord, fields: Fields) -> str:
        """Return what `format` returns for an access line with nothing but its ids, in a third of the time.

        It is the one line that every request pays for.
        """
        own = record.__dict__
        key = (
            own["http.request.method"],
            own["http.route"],
            own["http.response.status_code"],
            record.levelno,
        )
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            head = self._heads[key] = self._write_head(record)
        request_id, correlation_id = _escape(fields["request_id"]), _escape(fields["correlation_id"])
        path, milliseconds = _escape(redact(own["url.path"])), own["duration_ms"]
        nanoseconds = int(milliseconds * _NANOSECONDS_PER_MILLISECOND)
        ids = tracing.current_ids()
        trace = "" if ids is None else f',"trace":{{"id":"{ids[0]}"}},"span":{{"id":"{ids[1]}"}}'
        return (
            f'{{"@timestamp":"{self._timestamp(record)}",{head},"id":{request_id}}}}},'
            f'"correlation_id":{correlation_id},"url":{{"path":{path}}},'
            f'"duration_ms":{milliseconds},"event":{{"duration":{nanoseconds},'
            f'"outcome":"{own["event.outcome"]}"}}{trace}}}'
        )

    def _write_head(self, record: logging.LogRecord) -> str:
        """Return what is the same in all access lines of one route and status, open for the request's id."""
        own = record.__dict__
        head = {
            "log.level": record.levelname.lower(),
            "message": record.getMessage(),
            "ecs.version": ECS_VERSION,
            "log": {"logger": ACCESS_LOGGER},
            "service": self._service,
            "http": {
                "response": {"status_code": own["http.response.status_code"]},
                "route": own["http.route"],
                "request": {"method": own["http.request.method"]},
            },
        }
        return _ENCODER.encode(head)[1:].removesuffix("}}}")

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields of one line."""
        result: dict[str, Any] = {
            "@timestamp": self._timestamp(record),
            "log.level": record.levelname.lower(),
            "message": record.getMessage(),
            "ecs.version": ECS_VERSION,
        }
        own = record.__dict__
        if record.name == ACCESS_LOGGER:
            _put_access(result, own)
        else:
            origin = {"file": {"line": record.lineno, "name": record.filename}, "function": record.funcName}
            result["log"] = {"logger": record.name, "origin": origin}
        result["service"] = self._service.copy()
        # A copy: a thread of the request may annotate it meanwhile.
        for name, value in list(current_fields().items()):
            _put(result, name, value)
        if len(own) > _LEAST_ATTRIBUTES and record.name != ACCESS_LOGGER:
            for name, value in own.items():
                if name not in _STANDARD:
                    _put(result, name, value)
        if record.exc_info or record.stack_info:
            self._put_error(result, record)
        ids = tracing.current_ids()
        if ids is not None:
            _put(result, "trace.id", ids[0])
            _put(result, "span.id", ids[1])
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
        known = self._second  # once: formatting threads overwrite it
        if known[0] != second:
            known = self._second = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
        return f"{known[1]}.{int(record.msecs):03d}Z"


def _put_access(result: dict[str, Any], fields: dict[str, Any]) -> None:
    """Put in what `log_access` has put on the record."""
    result["log"] = {"logger": ACCESS_LOGGER}
    result["http"] = {
        "request": {"method": fields["http.request.method"]},
        "response": {"status_code": fields["http.response.status_code"]},
        "route": fields["http.route"],
    }
    result["url"] = {"path": fields["url.path"]}
    milliseconds = fields["duration_ms"]
    result["duration_ms"] = milliseconds
    result["event"] = {
        "duration": int(milliseconds * _NANOSECONDS_PER_MILLISECOND),
        "outcome": fields["event.outcome"],
    }


def _put(result: dict[str, Any], name: str, value: Any) -> None:
    """Put one field in; its name may be dotted, its value a mapping. None is no field."""
    if value is None:
        return
    if _is_secret(name):
        value = HIDDEN
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _put(result, f"{name}.{key}", inner)
        return
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)  # JSON has no NaN, and the line would be lost
    if name == "duration_ms" and isinstance(value, (int, float)):
        _put(result, "event.duration", int(value * _NANOSECONDS_PER_MILLISECOND))
    path = _find_path(name)
    place = result
    for part in path[:-1]:
        inside = place.setdefault(part, {})
        if not isinstance(inside, dict):
            return  # the name is taken by a value; the first stays
        place = inside
    if not isinstance(place.get(path[-1]), dict):
        place[path[-1]] = value


_is_secret = functools.lru_cache(maxsize=1024)(names_secret)


@functools.lru_cache(maxsize=1024)
def _find_path(name: str) -> tuple[str, ...]:
    """Return where a field stands: its ECS name, or `labels.<name>` where ECS has an object of that name."""
    name = NAMES.get(name, name)
    return tuple((f"labels.{name}" if name in _OBJECTS else name).split("."))

"""One line of ECS JSON a record, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ecs_logging
import pytest

from vectorwatch import tracing
from vectorwatch.instrument import SetupError, configure_logs, log_context, logs
from vectorwatch.log_lines import formatter as formatting
from vectorwatch.log_lines import rotation
from vectorwatch.log_lines.fields import begin_request, end_request
from vectorwatch.log_lines.formatter import ACCESS_LOGGER, Formatter

Lines = Callable[[], list[dict[str, Any]]]
log = logging.getLogger("tests.instrument.logs")


def format_one(message: str = "text", *, level: int = logging.INFO, **fields: Any) -> dict[str, Any]:
    record = log.makeRecord(log.name, level, __file__, 7, message, (), None, "place", fields)
    line: dict[str, Any] = json.loads(Formatter("svc").format(record))
    return line


@pytest.mark.parametrize(
    "fields",
    [{}, {"component": "search", "duration": 1.5}, {"http.request.id": "x", "labels": {"a": "b"}}],
)
@pytest.mark.parametrize("with_error", [False, True])
def test_the_fields_are_those_of_elastic_s_formatter(fields: dict[str, Any], with_error: bool) -> None:
    elastic = ecs_logging.StdlibFormatter(
        extra={"service.name": "svc"}, exclude_fields=["process", "log.original"]
    )
    error = None
    if with_error:
        try:
            raise KeyError("gone")
        except KeyError:
            error = sys.exc_info()
    record = log.makeRecord(log.name, 30, __file__, 7, "one %s", ("x",), error, "place", dict(fields))
    record.created, record.msecs = 1_764_000_000.25, 250.0
    assert json.loads(Formatter("svc").format(record)) == json.loads(elastic.format(record))


def test_the_fast_access_line_is_the_slow_one() -> None:
    formatter = Formatter("svc", "1.0")
    fields = {
        "duration_ms": 3.217,
        "event.outcome": "success",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": '/say "{word}"',
        "url.path": '/say "ä\n',
    }
    token = begin_request({"request_id": 'r-"1', "correlation_id": "c-1"})
    try:
        for level in (logging.INFO, logging.WARNING):
            record = log.makeRecord(ACCESS_LOGGER, level, __file__, 0, "GET", (), None, None, fields)
            fast = json.loads(formatter.format(record))
            assert fast == formatter.format_to_ecs(record)
    finally:
        end_request(token)


def test_the_parts_of_access_lines_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "_MOST_HEADS", 3)
    formatter = Formatter("svc")
    token = begin_request({"request_id": "r-1", "correlation_id": "c-1"})
    for number in range(10):
        fields = {
            "duration_ms": 1.0,
            "event.outcome": "success",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "http.route": f"/{number}",
            "url.path": "/",
        }
        formatter.format(log.makeRecord(ACCESS_LOGGER, 20, __file__, 0, "GET", (), None, None, fields))
    end_request(token)
    assert len(formatter._heads) <= 3


def test_the_requirements_fields_have_their_places() -> None:
    line = format_one(
        component="vector_store",
        operation="search",
        duration_ms=3.2,
        vectors_searched=78450,
        cache_hit=True,
        session_id="ses_abc123",
        request_id="req_def456",
        user_id="u-1",
        error_type="VRAMError",
        error="out of memory",
    )
    assert line["component"] == "vector_store"
    assert line["operation"] == "search"
    assert line["vectors_searched"] == 78450
    assert (line["duration_ms"], line["event"]["duration"]) == (3.2, 3_200_000)
    assert line["cache_hit"] is True
    assert line["session_id"] == "ses_abc123"
    assert line["http"]["request"]["id"] == "req_def456"
    assert line["user"] == {"id": "u-1"}
    assert line["error"] == {"type": "VRAMError", "message": "out of memory"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"client": "1.2.3.4"}, {"labels": {"client": "1.2.3.4"}}),
        ({"host": "db"}, {"labels": {"host": "db"}}),
        ({"score": float("nan")}, {"score": "nan"}),
        ({"a.b": 1, "a": 2}, {"a": {"b": 1}}),
        ({"a": 2, "a.b": 1}, {"a": 2}),
        ({"nothing": None}, {}),
        ({"nested": {"deep": {"er": 1}}}, {"nested": {"deep": {"er": 1}}}),
        ({"path": Path("/x")}, {"path": "PosixPath('/x')"}),
    ],
    ids=["client", "host", "nan", "object first", "value first", "none", "nested", "foreign"],
)
def test_a_field_that_elasticsearch_would_refuse_is_mended(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    plain = format_one().keys()
    line = format_one(**fields)
    assert {name: value for name, value in line.items() if name not in plain} == expected


def test_a_line_that_cannot_be_written_is_not_lost() -> None:
    record = log.makeRecord(log.name, 20, __file__, 7, "%d items", ("many",), None, "place")
    line = json.loads(Formatter("svc").format(record))
    assert line["message"].startswith("%d items (arguments or fields could not be written")
    assert line["log.level"] == "info"


def test_a_broken_character_does_not_lose_the_line(lines: Lines) -> None:
    configure_logs("svc")
    log.info("file %s", b"caf\xe9".decode(errors="surrogateescape"))
    assert lines()[0]["message"] == "file caf\udce9"


def test_a_secret_in_a_message_is_hidden() -> None:
    assert format_one("cannot reach redis://:pa55@cache")["message"] == "cannot reach redis://:[hidden]@cache"


@pytest.mark.parametrize("secret", [True, 12345, 1.5, "two words", ["a", "b"], {"a": {"b": 1}}])
def test_a_field_named_like_a_secret_is_hidden_whatever_it_is(secret: Any) -> None:
    assert format_one(has_password=secret)["has_password"] == "[hidden]"
    assert format_one(labels={"token": secret})["labels"] == {"token": "[hidden]"}


@pytest.mark.parametrize("secret", [True, None, 12345, -1.5, ["a", "b"], {"a": {"b": 1}}])
def test_a_line_with_a_secret_deep_inside_is_json(secret: Any) -> None:
    [item] = format_one(items=[{"password": secret, "name": "x"}])["items"]
    assert item == {"password": secret if isinstance(secret, (list, dict)) else "[hidden]", "name": "x"}


def test_a_line_in_a_span_has_its_ids(spans: object) -> None:
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("x") as span:
        line = format_one()
    context = span.get_span_context()
    assert line["trace"]["id"] == format(context.trace_id, "032x")
    assert line["span"]["id"] == format(context.span_id, "016x")


def test_a_line_in_a_span_that_is_not_sampled_has_its_ids_too(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    request.getfixturevalue("spans")
    tracer = tracing.tracer()
    assert tracer
    with tracer.start_as_current_span("x") as span:
        line = format_one()
    assert line["trace"]["id"] == format(span.get_span_context().trace_id, "032x")


def test_every_logger_writes_to_stdout_and_libraries_are_quiet(lines: Lines) -> None:
    for name in logs.SERVERS:
        logging.getLogger(name).addHandler(logging.StreamHandler(sys.stdout))
    configure_logs("svc", version="1.2")
    logging.getLogger("anything").info("heard")
    logging.getLogger("uvicorn.error").info("heard too")
    for name in logs.QUIET:
        logging.getLogger(name).info("noise")
        logging.getLogger(name).warning("trouble")
    with log_context(component="c"):
        logging.getLogger("anything").debug("below the level")
        logging.getLogger("anything").info("inside")
    written = lines()
    messages = [line["message"] for line in written]
    assert messages == ["heard", "heard too", *["trouble"] * len(logs.QUIET), "inside"]
    assert written[-1]["component"] == "c"
    assert written[0]["service"] == {"name": "svc", "version": "1.2"}


def test_a_file_gets_the_same_lines_and_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "FILE_BYTES", 2_000)
    path = tmp_path / "new" / "app.log"
    configure_logs("svc", log_file=path)
    for number in range(100):
        logging.getLogger("a").info("line %d", number)
    configure_logs("svc")  # closes the file
    files = sorted(path.parent.iterdir())
    assert [one.name for one in files] == ["app.log", *(f"app.log.{number}" for number in range(1, 6))]
    assert json.loads(path.read_text().splitlines()[-1])["message"] == "line 99"


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"log_level: `LOUD` is no level; write one of NOTSET, .*INFO"):
        configure_logs("svc", level="LOUD")
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"log_file: `.*/file/app.log` cannot be written: .*; name another"):
        configure_logs("svc", log_file=tmp_path / "file" / "app.log")

"""Times and levels in the spellings of many loggers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.logs.pipeline.model import Event, Model

ARRIVED = "2024-11-28T00:00:00.000Z"


def write(model: Model, **fields: Any) -> dict[str, Any]:
    event = Event(
        {"@timestamp": ARRIVED, "message": json.dumps({"service": "a", "message": "m", **fields})},
        {"arrived_by": "tcp"},
    )
    (document,) = model.run(event)
    return document.fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-11-27T06:14:31Z", "06:14:31.000"),
        ("2024-11-27T06:14:31.5Z", "06:14:31.500"),
        ("2024-11-27T06:14:31,250Z", "06:14:31.250"),
        ("2024-11-27T07:14:31.250+01:00", "06:14:31.250"),
        ("2024-11-27T07:14:31.250+0100", "06:14:31.250"),
        ("2024-11-26T22:44:31-07:30", "06:14:31.000"),
        ("2024-11-27T07:14:31+01", "06:14:31.000"),
        ("2024-11-27T07:14:31.250+01:00[Europe/Berlin]", "06:14:31.250"),
        ("2024-11-27 06:14:31", "06:14:31.000"),
        ("2024-11-27 06:14:31 UTC", "06:14:31.000"),
        ("2024-11-27T06:14:31.123456789Z", "06:14:31.123456789"),
        ("2024/11/27 06:14:31.25", "06:14:31.250"),
        ("27/Nov/2024:07:14:31 +0100", "06:14:31.000"),
        ("27 Nov 2024 06:14:31.250", "06:14:31.250"),
        ("Wed, 27 Nov 2024 06:14:31 GMT", "06:14:31.000"),
        ("20241127 06:14:31.250000", "06:14:31.250"),
        (1732688071, "06:14:31.000"),
        (1732688071.25, "06:14:31.250"),
        ("1732688071", "06:14:31.000"),
        (1732688071250, "06:14:31.250"),
        (1732688071250000, "06:14:31.250"),
        (1732688071250000000, "06:14:31.250"),
    ],
)
def test_a_time_is_read(text: Any, expected: str, main: Model) -> None:
    document = write(main, timestamp=text)
    assert document["@timestamp"] == f"2024-11-27T{expected}Z"
    assert "tags" not in document


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2024-02-30T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2999-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "24:00",
        17,
        -1,
        "0001-01-01T00:00:00Z",
        True,
        "2024-11-27T25:00:00Z",
        "27/Foo/2024:07:14:31 +0100",
        "9" * 80,
    ],
)
def test_what_is_no_time_keeps_its_text_and_the_line_its_arrival(text: Any, main: Model) -> None:
    document = write(main, timestamp=text)
    assert document["@timestamp"] == ARRIVED
    assert document["attributes"]["time_text"] == (str(text).lower() if text is True else str(text))
    assert document["tags"] == ["time_unread"]


def test_a_time_without_a_year_is_the_last_such_day(main: Model) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    text = f"I{yesterday:%m%d %H:%M:%S}.000000     7 main.go:1] m"
    (document,) = main.run(Event({"@timestamp": ARRIVED, "message": text}, {"arrived_by": "tcp"}))
    assert document.fields["@timestamp"] == f"{yesterday:%Y-%m-%dT%H:%M:%S}.000Z"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        *(("INFO", "info"), ("Info", "info"), ("information", "info"), ("notice", "info"), ("I", "info")),
        *(("WARN", "warning"), ("warning", "warning"), ("W", "warning"), ("Warn", "warning")),
        *(("ERROR", "error"), ("err", "error"), ("E", "error"), ("SEVERE", "error")),
        *(("FATAL", "critical"), ("CRITICAL", "critical"), ("panic", "critical"), ("emerg", "critical")),
        *(("ALERT", "critical"), ("dpanic", "critical"), ("F", "critical")),
        *(("DEBUG", "debug"), ("FINE", "debug"), ("TRACE", "trace"), ("verbose", "trace")),
        *((10, "trace"), (20, "debug"), (30, "info"), (40, "warning"), (50, "error"), (60, "critical")),
        *(
            (0, "critical"),
            (3, "error"),
            (4, "warning"),
            (6, "info"),
            (7, "debug"),
            ("6", "info"),
            (35, "info"),
        ),
        *(("LEVEL_99", "info"), ("", "info"), (None, "info"), (True, "info")),
    ],
)
def test_a_level_has_one_spelling(level: Any, expected: str, main: Model) -> None:
    assert write(main, level=level)["log"]["level"] == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "trace"), (5, "debug"), (9, "info"), (13, "warning"), (17, "error"), (24, "critical")],
)
def test_a_number_of_opentelemetry_is_a_level(number: int, expected: str, main: Model) -> None:
    assert write(main, severity_number=number)["log"]["level"] == expected


def test_the_spelling_of_the_source_stays_only_where_it_says_something_else(main: Model) -> None:
    assert write(main, level="INFO")["log"] == {"level": "info"}
    assert write(main, level="Notice")["log"] == {"level": "info", "original_level": "Notice"}

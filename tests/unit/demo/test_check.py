from __future__ import annotations

import pytest

from vectorwatch.demo.check import parse_duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("1m", 60), ("1m30s", 90), ("500ms", 0.5), ("4h", 14_400), ("0s", 0)]
)
def test_durations_are_read_as_prometheus_writes_them(text: str, seconds: float) -> None:
    assert parse_duration_seconds(text) == seconds


def test_an_unknown_unit_is_an_error() -> None:
    with pytest.raises(KeyError):
        parse_duration_seconds("2fortnights")

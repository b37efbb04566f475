"""The two settings of the logs and the lifecycle that follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.elastic.retention import Retention, write_size, write_time
from vectorwatch.elastic.streams import name_streams
from vectorwatch.errors import ConfigError


@pytest.mark.parametrize(
    ("time", "size", "age", "rollover", "closed_at"),
    [
        ("14d", "20GB", "14d", "1d", "2gb"),
        ("6h", "1GB", "6h", "6h", "107374182b"),
        ("1d12h", "5GB", "36h", "1d", "512mb"),
        ("1y", "1TB", "365d", "13d", "109951162777b"),
        ("2w", "500GB", "14d", "1d", "50gb"),
    ],
)
def test_the_lifecycle_follows_from_time_and_size(
    time: str, size: str, age: str, rollover: str, closed_at: str
) -> None:
    phases = Retention.read(time, size).phases()
    assert phases == {
        "hot": {
            "min_age": "0ms",
            "actions": {"rollover": {"max_age": rollover, "max_primary_shard_size": closed_at}},
        },
        "delete": {"min_age": age, "actions": {"delete": {}}},
    }


@pytest.mark.parametrize("time", ["", "14", "14 d", "d", "30m", "0d", "-1d", "14D", "1.5d"])
def test_a_time_that_cannot_be_used_is_refused(time: str) -> None:
    with pytest.raises(ConfigError, match=r"LOGS_RETENTION_TIME.* write 1h or more, such as 14d"):
        Retention.read(time, "20GB")


@pytest.mark.parametrize("size", ["", "20", "20 GB", "20gb", "0GB", "500MB", "-1GB", "1.5GB", "20GiB"])
def test_a_size_that_cannot_be_used_is_refused(size: str) -> None:
    with pytest.raises(ConfigError, match=r"LOGS_RETENTION_SIZE.* write 1GB or more, such as 20GB"):
        Retention.read("14d", size)


@given(st.integers(1, 10**9), st.integers(1, 2**60))
def test_what_is_written_means_the_same_number(seconds: int, size: int) -> None:
    time, unit = int(write_time(seconds)[:-1]), write_time(seconds)[-1]
    assert time * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit] == seconds
    text = write_size(size)
    digits = text.rstrip("bkmgtp")
    exponent = ["b", "kb", "mb", "gb", "tb", "pb"].index(text.removeprefix(digits))
    assert int(digits) * 1024**exponent == size


@given(st.integers(3600, 10**9))
def test_a_stream_has_at_most_31_indices_by_age_or_one_a_day(seconds: int) -> None:
    retention = Retention(seconds, 2**40)
    assert retention.rollover_seconds <= seconds
    assert retention.seconds / retention.rollover_seconds <= 31


@pytest.mark.parametrize("namespace", ["", "Prod", "my-app", "a b", "a/b", "a*", "ü" * 51])
def test_a_namespace_that_elasticsearch_refuses_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigError, match="LOGS_NAMESPACE"):
        name_streams(namespace)


def test_a_namespace_becomes_the_end_of_five_names() -> None:
    assert name_streams("team_a.1") == (
        "logs-application-team_a.1",
        "logs-container-team_a.1",
        "logs-security-team_a.1",
        "logs-alerts-team_a.1",
        "logs-dead_letter-team_a.1",
    )

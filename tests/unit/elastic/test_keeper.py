"""The disk bound of the logs: what is chosen, and the program that keeps it."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Program
from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn, Refusal
from vectorwatch.demo.repository import find_repository
from vectorwatch.elastic import keeper
from vectorwatch.elastic.connection import Connection
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.keeper import BackingIndex, enforce, measure, plan
from vectorwatch.elastic.retention import Retention
from vectorwatch.elastic.setup import set_up
from vectorwatch.elastic.streams import name_streams
from vectorwatch.elastic.waiting import Patience

STREAMS = name_streams("default")


def index(stream: str, number: int, size: int, *, takes_documents: bool = False) -> BackingIndex:
    return BackingIndex(f".ds-{stream}-{number:06d}", stream, number, size, takes_documents)


INDICES = st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(0, 1000), st.booleans()), max_size=40).map(
    lambda rows: [
        index(stream, number, size, takes_documents=is_open)
        for number, (stream, size, is_open) in enumerate(rows)
    ]
)


@given(INDICES, st.integers(0, 10_000))
def test_nothing_goes_that_need_not_and_nothing_that_takes_documents(
    indices: list[BackingIndex], bound: int
) -> None:
    found = plan(indices, bound)
    assert found.total == sum(each.bytes for each in indices)
    assert not any(each.takes_documents for each in found.delete)
    left = found.total - sum(each.bytes for each in found.delete)
    assert left <= bound or len(found.delete) == sum(not each.takes_documents for each in indices)
    if found.delete:
        assert left + found.delete[-1].bytes > bound
    assert (found.roll_over is not None) == (left > bound and any(each.takes_documents for each in indices))


def test_the_oldest_goes_first_whatever_its_stream() -> None:
    indices = [index("logs-container-default", 2, 5), index("logs-application-default", 1, 5)]
    assert [each.created for each in plan(indices, 5).delete] == [1]


def test_security_events_and_alerts_go_last_even_if_they_are_older() -> None:
    indices = [
        index("logs-security-default", 1, 1),
        index("logs-alerts-default", 2, 1),
        index("logs-container-default", 3, 100),
        index("logs-container-default", 4, 100, takes_documents=True),
    ]
    assert [each.stream for each in plan(indices, 150).delete] == ["logs-container-default"]
    assert [each.created for each in plan(indices, 50).delete] == [3, 1, 2]


@pytest.fixture
def filled(elasticsearch: ElasticsearchStandIn, connection: Connection) -> ElasticsearchStandIn:
    """Return the stand-in after the set-up, with three indices of 10 bytes in each stream."""
    definitions = Definitions.read(find_repository() / "elasticsearch", Retention.read("14d", "20GB"))
    list(set_up(connection, definitions, STREAMS, Patience(30, print)))
    for _ in range(2):
        for stream in STREAMS:
            elasticsearch._add_index(stream)
    for number, kept in enumerate(elasticsearch.state.indices.values()):
        kept["bytes"] = 10
        kept["created"] = 1_700_000_000_000 + number * 3_600_000
    elasticsearch.requests.clear()
    return elasticsearch


def run_once(connection: Connection, bound: int) -> None:
    with connection.open(keeper.USER, connection.read_password(keeper.SECRET)) as server:
        enforce(server, bound)


def test_its_user_may_do_what_it_does_and_read_no_document(
    filled: ElasticsearchStandIn, connection: Connection
) -> None:
    run_once(connection, 0)
    assert not filled.is_allowed(keeper.USER, "GET", "/logs-application-default/_search")
    assert not filled.is_allowed(keeper.USER, "DELETE", "/.ds-metrics-app-default-2026.01.01-000001")
    assert not filled.is_allowed("logstash_writer", "DELETE", "/.ds-logs-alerts-default-2026.01.01-000001")


def test_within_the_bound_nothing_is_changed(filled: ElasticsearchStandIn, connection: Connection) -> None:
    run_once(connection, 150)
    assert filled.writes == []


def test_above_the_bound_the_oldest_go_and_the_log_says_which(
    filled: ElasticsearchStandIn, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    names = [name for name in filled.state.indices if "-application-" in name or "-container-" in name]
    run_once(connection, 130)
    assert filled.writes == [f"DELETE /{name}" for name in names[:2]]
    told = [record.getMessage() for record in caplog.records if record.name.startswith("vectorwatch")]
    assert told[0].startswith(f"deleted {names[0]} (0.00 GB, begun 2023-11-14 22:13): the logs took")


def test_an_open_index_is_closed_when_nothing_else_is_left(
    filled: ElasticsearchStandIn, connection: Connection
) -> None:
    last = filled.state.streams["logs-container-default"]["indices"][-1]["index_name"]
    filled.state.indices[last]["bytes"] = 1000
    run_once(connection, 400)
    assert "POST /logs-container-default/_rollover" in filled.writes
    assert last not in filled.state.indices
    assert len([request for request in filled.writes if "_rollover" in request]) == 1


def test_a_bound_that_cannot_be_kept_ends_nevertheless(
    filled: ElasticsearchStandIn, connection: Connection
) -> None:
    run_once(connection, 0)
    assert len([request for request in filled.writes if "_rollover" in request]) <= len(STREAMS) + 1


def test_streams_of_others_are_neither_counted_nor_deleted(
    filled: ElasticsearchStandIn, connection: Connection
) -> None:
    theirs = ".ds-logs-application-theirs-2026.01.01-000001"
    filled.state.indices[theirs] = {"mappings": {}, "bytes": 10**9, "created": 0}
    filled.state.streams["logs-application-theirs"] = {
        "name": "logs-application-theirs",
        "template": "theirs",
        "indices": [{"index_name": theirs}],
    }
    with connection.open("elastic", "first") as server:
        assert theirs not in [each.name for each in measure(server)]
    run_once(connection, 150)
    assert filled.writes == []


def test_the_program_outlives_a_server_that_is_away(
    filled: ElasticsearchStandIn,
    secrets: Path,
    tmp_path: Path,
    vectorwatch_command: list[str],
    start_program: Callable[..., Program],
    end_gently: Callable[[subprocess.Popen[bytes]], None],
    poll: Callable[..., None],
) -> None:
    for kept in filled.state.indices.values():
        kept["bytes"] = 2**28
    filled.refusals = [Refusal("GET /_data_stream", 503, times=2, reason="no master")]
    heartbeat = tmp_path / "heartbeat"
    arguments = [f"--url={filled.url}", f"--secrets={secrets}", "--size=3GB", "--every=0.1"]
    program = start_program(
        [*vectorwatch_command, "elastic", "keep-within", *arguments, f"--heartbeat={heartbeat}"],
        ready=heartbeat.exists,
    )
    poll(lambda: "Elasticsearch answers again" in program.text(), "the bound kept")
    poll(lambda: len(filled.writes) == 3, "three deleted")
    text = program.text()
    assert text.count("looking again later") == 1
    assert '"service":{"name":"log-retention"' in text
    end_gently(program.process)

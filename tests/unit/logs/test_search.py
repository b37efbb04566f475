"""What an answer of Elasticsearch is taken for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.errors import Reason, TargetError
from vectorwatch.logs.search import Counts, parse_findings, search_body, search_path

Answers = Callable[[str], dict[str, Any]]


@pytest.fixture
def answer(recorded_answers: Answers) -> Any:
    return copy.deepcopy(recorded_answers("9.5")["elasticsearch"][1])


def test_levels_unknown_to_us_are_one(answer: Any) -> None:
    counts = parse_findings(answer).window
    assert counts.total == 62
    assert counts.levels["application", "other"] == 2
    assert counts.services["application", "other", "inbox"] == 2


def test_the_delay_is_the_median_of_those_that_have_both_times(answer: Any) -> None:
    answer["hits"]["hits"].append({"fields": {"event.ingested": ["1795759200000"]}})
    answer["hits"]["hits"].append({"_id": "no fields"})
    assert parse_findings(answer).delay_seconds == 3.0


def test_dates_with_nanoseconds_are_read(answer: Any) -> None:
    answer["hits"]["hits"] = [
        {"fields": {"@timestamp": ["1795759198000.5"], "event.ingested": ["1795759200000"]}}
    ]
    assert parse_findings(answer).delay_seconds == pytest.approx(1.9995)


def test_no_index_yet_is_nothing_to_count(recorded_answers: Answers) -> None:
    found = parse_findings(recorded_answers("8.4")["elasticsearch"][0])
    assert found.window == Counts(0, {}, {}, {})
    assert (found.newest, found.delay_seconds) == ({}, None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timed_out": True}, Reason.TIMEOUT),
        ({"_shards": {"total": 2, "failed": 1}}, Reason.PARTIAL),
        ({"hits": []}, Reason.DECODE),
        ({"aggregations": None}, Reason.DECODE),
        ({"hits": {"hits": [{"fields": {"@timestamp": ["x"], "event.ingested": ["1"]}}]}}, Reason.DECODE),
        ({"aggregations": {"window": {"doc_count": "many"}}}, Reason.DECODE),
        ({"aggregations": {"window": {"datasets": {"buckets": []}}}}, Reason.DECODE),
        ({"aggregations": {"window": {"doc_count": 1, "datasets": {"buckets": [{}]}}}}, Reason.DECODE),
        ({"aggregations": {"newest": {"buckets": {}}}}, Reason.DECODE),
    ],
)
def test_what_is_not_the_whole_answer_is_refused(answer: Any, change: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(TargetError) as caught:
        parse_findings(answer | change)
    assert caught.value.reason is reason


def test_the_search_takes_no_part_for_the_whole() -> None:
    assert "allow_partial_search_results=false" in search_path("logs-*")


def test_a_second_window_is_asked_for_only_where_it_differs() -> None:
    assert search_body(1000, 1000, 1000)["aggs"].keys() == {"window", "newest"}


def test_times_are_sent_in_milliseconds() -> None:
    body = search_body(1000.5, 2000, 500)
    assert body["query"]["range"]["event.ingested"] == {"gte": 500_000, "format": "epoch_millis"}
    window, next_window = (body["aggs"][name]["filter"] for name in ("window", "next_window"))
    assert window["range"]["event.ingested"]["gte"] == 1_000_500
    assert next_window["range"]["event.ingested"]["gte"] == 2_000_000

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.smoke.images.elasticsearch.documents import Documents, QueryError
from tests.smoke.images.elasticsearch.elasticsearch import Node
from tests.unit.elastic.elasticsearch_stand_in import State
from vectorwatch.logs.search import parse_findings, search_body

_STREAM = "logs-application-default"
_LOGIN = ("elastic", "secret")


def _document(number: int, service: str = "a", level: str = "info") -> dict[str, Any]:
    at = f"2026-01-01T00:00:{number:02d}.000Z"
    return {
        "@timestamp": at,
        "event": {"ingested": at},
        "service": {"name": service},
        "log": {"level": level},
        "data_stream": {"dataset": "application"},
    }


@pytest.fixture
def documents(tmp_path: Path) -> Iterator[Documents]:
    kept = Documents(tmp_path / "documents.sqlite")
    for number in range(4):
        kept.create(_STREAM, str(number), _document(number, "a" if number else "b", "error"))
    kept.commit()
    yield kept
    kept.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """One with a template, as `elasticsearch-setup` leaves it."""
    made = Node(State({"elastic": "secret", "writer": "pen"}))
    made.documents = Documents(tmp_path / "node.sqlite")
    made.state.index_templates["logs"] = {"index_patterns": ["logs-*"]}
    made.state.users["writer"] = {"roles": ["logstash_writer"]}
    entry = {"names": ["logs-application-*"], "privileges": ["create_doc"]}
    made.state.roles["logstash_writer"] = {"cluster": [], "indices": [entry]}
    yield made
    made.documents.close()


def _bulk(node: Node, login: tuple[str, str], *documents: tuple[str, str, dict[str, Any]]) -> list[int]:
    lines = [
        json.dumps(part)
        for stream, identity, document in documents
        for part in ({"create": {"_index": stream, "_id": identity}}, document)
    ]
    body = node.read("/_bulk", "\n".join(lines).encode())
    status, answer = node.answer("POST", "/_bulk", login, body)
    assert status == 200
    assert answer["errors"] == any(item["create"]["status"] >= 300 for item in answer["items"])
    return [item["create"]["status"] for item in answer["items"]]


def test_a_second_document_of_the_same_id_is_refused(node: Node) -> None:
    one = (_STREAM, "1", _document(1))
    assert _bulk(node, _LOGIN, one, one) == [201, 409]
    assert node.documents.search([_STREAM], {})["hits"]["total"]["value"] == 1


def test_a_document_without_a_time_or_for_a_stream_without_a_template_is_refused(node: Node) -> None:
    assert _bulk(node, _LOGIN, (_STREAM, "1", {}), ("other", "1", _document(1))) == [400, 400]


def test_who_may_write_one_stream_may_not_write_another_and_read_none(node: Node) -> None:
    writer = ("writer", "pen")
    assert _bulk(node, writer, (_STREAM, "1", _document(1))) == [201]
    assert _bulk(node, writer, ("logs-security-default", "1", _document(1))) == [403]
    assert node.answer("POST", f"/{_STREAM}/_search", writer, {})[0] == 403
    assert node.answer("POST", "/_bulk", ("writer", "wrong"), {"lines": []})[0] == 401


def test_a_pattern_stands_for_the_streams_that_one_may_read(node: Node) -> None:
    _bulk(node, _LOGIN, (_STREAM, "1", _document(1)), ("logs-security-default", "1", _document(2)))
    counts = []
    for login in (_LOGIN, ("writer", "pen")):
        status, answer = node.answer("POST", "/logs-*/_search", login, {})
        assert status == 200
        counts.append(answer["hits"]["total"]["value"])
    assert counts == [2, 0]


def test_documents_are_there_after_a_restart(documents: Documents, tmp_path: Path) -> None:
    again = Documents(tmp_path / "documents.sqlite")
    assert again.search([_STREAM], {})["hits"]["total"]["value"] == 4
    assert not again.create(_STREAM, "0", _document(0))
    again.close()


def test_the_search_of_the_log_exporter_is_answered(documents: Documents) -> None:
    first = 1767225600
    found = parse_findings(documents.search([_STREAM], search_body(first + 1, first + 2, first)))
    assert found.window.services == {("application", "error", "a"): 3}
    assert found.next_window.total == 2
    assert found.newest == {"application": first + 3.0}
    assert found.delay_seconds == 0


def test_lines_are_counted_by_field(documents: Documents) -> None:
    aggregations = {"names": {"terms": {"field": "service.name", "size": 1}}}
    answer = documents.search(
        [_STREAM], {"size": 0, "query": {"term": {"log.level": "error"}}, "aggs": aggregations}
    )
    assert answer["aggregations"]["names"]["buckets"] == [{"key": "a", "doc_count": 3}]
    assert answer["aggregations"]["names"]["sum_other_doc_count"] == 1
    assert documents.search(["logs-security-default"], {})["hits"]["total"]["value"] == 0


@pytest.mark.parametrize("body", [{"query": {"fuzzy": {}}}, {"aggs": {"a": {"histogram": {}}}}])
def test_a_search_that_it_does_not_know_is_no_empty_answer(documents: Documents, body: Any) -> None:
    with pytest.raises(QueryError):
        documents.search([_STREAM], body)

"""What the pipeline makes of the golden events and of made-up JSON, written to a real server."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import hypothesis
import pytest

from tests.logs.opensearch.documents import create
from tests.logs.pipeline.golden import list_cases, read_event
from tests.logs.pipeline.model import Event, Model
from tests.logs.pipeline.test_any_json import OBJECTS
from vectorwatch.elastic.client import Server

pytestmark = pytest.mark.usefixtures("streams")


def write_golden(server: Server, main: Model) -> dict[str, list[int]]:
    """Write the documents of all golden events; return the answers by data stream."""
    streams: dict[str, list[Event]] = defaultdict(list)
    for path in list_cases():
        for event in main.run(read_event(json.loads(path.read_text(encoding="utf-8")))):
            streams[event.metadata["index"]].append(event)
    answers = {}
    for stream, events in streams.items():
        ids = [event.metadata["id"] for event in events]
        fates = create(server, stream, [json.dumps(event.fields) for event in events], ids)
        answers[stream] = [fate.status for fate in fates]
        server.post(f"/{stream}/_refresh")
    return answers


def search(server: Server, query: str) -> list[dict[str, Any]]:
    body = {"size": 200, "query": {"query_string": {"query": query}}}
    hits = server.send("POST", "/logs-*/_search", json=body)["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def test_every_golden_document_is_taken_and_found(opensearch: Server, main: Model) -> None:
    answers = write_golden(opensearch, main)
    assert {status for statuses in answers.values() for status in statuses} == {201}
    assert {*answers} == {
        f"logs-{dataset}-default" for dataset in ("application", "container", "security", "alerts")
    }
    (access,) = search(
        opensearch, 'trace.id:"4bf92f3577b34da6a3ce929d0e0e4736" AND service.name:"search-api"'
    )
    assert access["url"]["path"] == "/search/7"
    (attack,) = search(opensearch, "event.risk_score:[90 TO 100] AND event.outcome:success")
    assert attack["event"]["action"] == "privilege_escalation"
    assert [found["message"] for found in search(opensearch, "alert.name:CacheSlow")] == [
        "CacheSlow: The cache at 127.0.0.1:6379 is down"
    ]
    assert search(opensearch, 'attributes.key_hash:"4711"')
    assert search(opensearch, "tags:redacted")
    assert not search(opensearch, "hunter2 OR s3cret")


def test_what_filebeat_sends_again_makes_no_second_document(opensearch: Server, main: Model) -> None:
    first, second = write_golden(opensearch, main), write_golden(opensearch, main)
    assert {*first["logs-container-default"]} == {201}
    assert {*second["logs-container-default"]} == {*second["logs-alerts-default"]} == {409}


@hypothesis.settings(max_examples=60)
@hypothesis.given(value=OBJECTS)
def test_no_document_of_any_json_is_refused(opensearch: Server, main: Model, value: dict[str, Any]) -> None:
    event = Event(
        {"@timestamp": "2024-11-27T06:14:31.500Z", "message": json.dumps(value)}, {"arrived_by": "tcp"}
    )
    (document,) = main.run(event)
    (fate,) = create(opensearch, document.metadata["index"], [json.dumps(document.fields)])
    assert fate.status == 201, fate.reason

"""The set-up of streams and the keeper of the disk bound on a real server."""

from __future__ import annotations

import os

import pytest

from tests.logs.opensearch.documents import count, create, write
from vectorwatch.elastic.client import Server
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.keeper import enforce, measure
from vectorwatch.elastic.setup import Setup
from vectorwatch.elastic.streams import name_streams
from vectorwatch.elastic.waiting import Patience

STREAM = "logs-container-default"
STREAMS = name_streams("default")

pytestmark = pytest.mark.usefixtures("streams")


def fill(server: Server, stream: str, number: int) -> None:
    """Write about 1 MB that does not compress, and give it to the disk."""
    lines = [
        write({"message": f"{number}", "event": {"original": os.urandom(512).hex()}}) for _ in range(1000)
    ]
    assert {fate.status for fate in create(server, stream, lines)} == {201}
    server.post(f"/{stream}/_flush")


def numbers(server: Server, stream: str) -> set[str]:
    server.post(f"/{stream}/_refresh")
    found = server.send("POST", f"/{stream}/_search", json={"size": 10_000, "_source": ["message"]})
    return {hit["_source"]["message"] for hit in found["hits"]["hits"]}


def total(server: Server) -> int:
    return sum(index.bytes for index in measure(server))


def test_a_set_up_run_creates_the_streams_and_the_next_changes_nothing(
    opensearch: Server, templates: Definitions
) -> None:
    setup = Setup(opensearch, Patience(60, print))
    lines = list(setup.put_streams(STREAMS, templates.mark))
    assert [line for line in lines if line.endswith(": created")] == [
        f"data stream {stream}: created" for stream in STREAMS
    ]
    assert all(line.endswith(": unchanged") for line in setup.put_streams(STREAMS, templates.mark))
    for name, body in templates.component_templates.items():
        said = setup.put_template("component template", f"/_component_template/{name}", name, body)
        assert said.endswith(": unchanged")
    for name, body in templates.index_templates.items():
        assert setup.put_template("index template", f"/_index_template/{name}", name, body).endswith(
            "unchanged"
        )


def test_a_changed_template_reaches_the_next_index_and_the_documents_stay(
    opensearch: Server, templates: Definitions
) -> None:
    setup = Setup(opensearch, Patience(60, print))
    list(setup.put_streams(STREAMS, templates.mark))
    create(opensearch, STREAM, [write({"message": "before"})])
    name, body = next(
        (name, body) for name, body in templates.component_templates.items() if "mappings" in body["template"]
    )
    mappings = {**body["template"]["mappings"], "_meta": {"mark": "next"}}
    changed = {**body, "_meta": {"mark": "next"}, "template": {"mappings": mappings}}
    try:
        path = f"/_component_template/{name}"
        assert setup.put_template("component template", path, name, changed).endswith(": updated")
        assert all("rolled over" in line for line in setup.put_streams(STREAMS, "next"))
        assert all("unchanged" in line for line in setup.put_streams(STREAMS, "next"))
        create(opensearch, STREAM, [write({"message": "after"})])
        assert count(opensearch, STREAM) == 2
    finally:
        opensearch.put(path, body)


def test_the_oldest_indices_go_until_the_rest_is_within_the_bound(opensearch: Server) -> None:
    for number in range(4):
        fill(opensearch, STREAM, number)
        if number < 3:
            opensearch.post(f"/{STREAM}/_rollover")
    sizes = [index.bytes for index in measure(opensearch)]
    assert min(sizes) > 500_000
    enforce(opensearch, sum(sizes))
    assert numbers(opensearch, STREAM) == {"0", "1", "2", "3"}
    enforce(opensearch, sum(sizes) - 1)
    assert numbers(opensearch, STREAM) == {"1", "2", "3"}
    enforce(opensearch, sizes[-1] + 1000)
    assert numbers(opensearch, STREAM) == {"3"}
    assert total(opensearch) <= sizes[-1] + 1000


def test_an_index_that_still_takes_documents_is_closed_before_it_goes(opensearch: Server) -> None:
    fill(opensearch, STREAM, 0)
    enforce(opensearch, 500_000)
    assert total(opensearch) <= 500_000
    (left,) = measure(opensearch)
    assert left.takes_documents
    create(opensearch, STREAM, [write({"message": "after"})])
    assert numbers(opensearch, STREAM) == {"after"}


def test_security_events_outlive_what_floods_the_rest(opensearch: Server) -> None:
    fill(opensearch, "logs-security-default", 0)
    opensearch.post("/logs-security-default/_rollover")
    fill(opensearch, STREAM, 1)
    opensearch.post(f"/{STREAM}/_rollover")
    enforce(opensearch, total(opensearch) - 1)
    assert numbers(opensearch, "logs-security-default") == {"0"}
    assert numbers(opensearch, STREAM) == set()


def test_what_is_not_of_our_template_stays(opensearch: Server) -> None:
    opensearch.put("/logs-elsewhere", {})
    fill(opensearch, STREAM, 0)
    opensearch.post(f"/{STREAM}/_rollover")
    enforce(opensearch, 10_000)
    try:
        assert "logs-elsewhere" in opensearch.get("/logs-elsewhere")
    finally:
        opensearch.delete("/logs-elsewhere")

"""No panel of logs is empty: a real OpenSearch answers what each asks, from a few documents.

Grafana does not run here: `tests/dashboards/documents.py` asks and reads in its place.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.dashboards.documents import Row, read_rows, to_request
from tests.dashboards.queries import Dashboard, built_ins, read_dashboards
from tests.dashboards.searches import Search, list_searches
from tests.logs.opensearch.build import OpenSearchError
from tests.logs.opensearch.server import start
from tests.logs.opensearch.shim import translate
from vectorwatch.demo.repository import find_repository

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ODD_SERVICE = "rag.api/v2"
"""A name with characters that mean something in a pattern."""
HOUR_MS = 3_600_000
GOLDEN = Path(__file__).parent / "golden"
"""Events and the documents that Logstash makes of them, all of one hour."""
GOLDEN_END_MS = 1_732_690_800_000  # 27 November 2024, 07:00 UTC
NOT_GOLDEN = {
    "Slowest operations": "no golden event took a second",
    "Slowest requests": "as above",
    "Slow lines": "as above",
    "What Elasticsearch refused": "what Logstash makes, Elasticsearch takes",
}
"""Panels that golden documents leave empty."""
Body = dict[str, Any]


def line(dataset: str, service: str, level: str, message: str, seconds_ago: int, **more: Any) -> Body:
    """Return a document as logstash/ruby/shape.rb makes it."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds_ago))
    body = {
        "@timestamp": when,
        "message": message,
        "log": {"level": level},
        "service": {"name": service},
        "event": {"ingested": when},
        "data_stream": {"type": "logs", "dataset": dataset, "namespace": "default"},
    }
    for name, value in more.items():
        old = body.get(name)
        body[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return body


DOCUMENTS = (
    line("application", "demo-app", "info", "GET /search 200", 60, trace={"id": TRACE}, duration_ms=12.5),
    line(
        "application",
        "demo-app",
        "error",
        "search failed: connection refused",
        50,
        error={"type": "ConnectError", "message": "connection refused"},
        trace={"id": TRACE},
        http={"route": "/search", "response": {"status_code": 500}},
        duration_ms=2500.0,
    ),
    line("application", ODD_SERVICE, "critical", "out of memory", 45, error={"type": "MemoryError"}),
    line("application", ODD_SERVICE, "warning", "slow", 40, operation="index", duration_ms=61_000.0),
    line("container", "qdrant", "info", "Loaded collection articles_v1", 30, stream="stdout"),
    line(
        "security",
        "demo-app",
        "warning",
        "login refused",
        20,
        event={
            "category": ["authentication"],
            "action": "authentication_failure",
            "outcome": "failure",
            "risk_score": 30.0,
            "reason": "invalid_credentials",
        },
        user={"id": "u-1", "name": "eve"},
        source={"ip": "203.0.113.7"},
        tags=["security"],
    ),
    line(
        "alerts",
        "alert-inbox",
        "critical",
        "CacheDown: The cache does not answer.",
        10,
        alert={
            "name": "CacheDown",
            "severity": "critical",
            "status": "firing",
            "channel": "webhook",
            "summary": "The cache does not answer.",
        },
    ),
    line(
        "dead_letter",
        "unknown",
        "error",
        "refused by Elasticsearch: failed to parse field [duration_ms]",
        5,
        event={"original": '{"duration_ms":"long"}'},
        error={"message": "status: 400"},
        attributes={"data_stream": "logs-application-default"},
    ),
)


@dataclass(frozen=True)
class Store:
    """OpenSearch with the templates of this repository and the documents above."""

    client: httpx.Client

    def ask(self, search: Search, end_ms: int | None = None) -> list[Row]:
        """Return what a panel shows of the hour before `end_ms`, or of the last one."""
        end_ms = end_ms or int(time.time() * 1000) + 1000
        answer = self.client.post(
            "/logs-*/_search",
            params={"ignore_unavailable": "true", "allow_no_indices": "true"},
            json=to_request(search, end_ms - HOUR_MS, end_ms, interval_ms=60_000),
        )
        assert answer.is_success, f"{search}: {answer.text}\n{search.lucene}"
        return read_rows(search, answer.json())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    try:
        with (
            start(tmp_path_factory.mktemp("opensearch")) as server,
            httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client,
        ):
            _fill(client, find_repository() / "elasticsearch")
            yield Store(client)
    except OpenSearchError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def _fill(client: httpx.Client, definitions: Path) -> None:
    for kind in ("component", "index"):
        for path in sorted((definitions / f"{kind}-templates").glob("*.json")):
            body = translate(json.loads(path.read_text(encoding="utf-8")))
            client.put(f"/_{kind}_template/{path.stem}", json=body).raise_for_status()
    lines: list[Body] = []
    for document in (*DOCUMENTS, *read_golden()):
        stream = "-".join(document["data_stream"][part] for part in ("type", "dataset", "namespace"))
        lines += [{"create": {"_index": stream}}, document]
    text = "".join(json.dumps(one) + "\n" for one in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = client.post("/_bulk", params={"refresh": "true"}, content=text, headers=headers).json()
    assert not answer["errors"], answer


def read_golden() -> list[Body]:
    """Return the documents that Logstash makes of the golden events."""
    found = []
    for path in sorted(GOLDEN.glob("*.json")):
        for document in json.loads(path.read_text(encoding="utf-8"))["documents"]:
            body = {name: value for name, value in document.items() if not name.startswith("_")}
            found.append({**body, "event": {**body["event"], "ingested": body["@timestamp"]}})
    return found


@pytest.fixture(scope="module")
def dashboards() -> list[Dashboard]:
    return read_dashboards(find_repository() / "grafana" / "dashboards")


def searches(dashboards: list[Dashboard], **chosen: str) -> list[Search]:
    given = {**built_ins(), **chosen}
    return [search for one in dashboards for search in list_searches(one, given)]


def escape(value: str) -> str:
    """Return a value as Grafana's format `regex` writes it (`regexEscape` in its templating)."""
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value)


def test_every_panel_finds_documents_and_every_column_has_a_value(
    store: Store, dashboards: list[Dashboard]
) -> None:
    wrong = []
    for search in searches(dashboards):
        rows = store.ask(search)
        if not rows:
            wrong.append(f"{search}: finds nothing: {search.lucene}")
        wanted = {*search.columns, *re.findall(r"{{(.+?)}}", str(search.target.get("alias", "")))}
        if search.panel["type"] == "logs":
            wanted |= {"message", "@timestamp", "log.level"}
        given = {name for row in rows for name, value in row.items() if value is not None}
        wrong += [f"{search}: no row has `{name}`, but {sorted(given)}" for name in sorted(wanted - given)]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_documents_as_logstash_makes_them_fill_the_panels(store: Store, dashboards: list[Dashboard]) -> None:
    asked = searches(dashboards)
    empty = {search.title for search in asked if not store.ask(search, GOLDEN_END_MS)}
    assert empty == set(NOT_GOLDEN)
    [lines] = [search for search in asked if search.title == "Lines"]
    end_ms = GOLDEN_END_MS
    documents = [one for one in read_golden() if 0 <= end_ms - in_ms(one["@timestamp"]) <= HOUR_MS]
    assert len(documents) > 50
    assert len(store.ask(lines, end_ms)) == len(documents)


def in_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


@pytest.mark.parametrize("service", ["qdrant", ODD_SERVICE])
def test_lines_are_those_of_the_services_that_are_chosen(
    store: Store, dashboards: list[Dashboard], service: str
) -> None:
    [lines] = [one for one in searches(dashboards, service_name=escape(service)) if one.title == "Lines"]
    assert {row["service.name"] for row in store.ask(lines)} == {service}
    both = f"({escape(service)}|demo-app)"
    [lines] = [one for one in searches(dashboards, service_name=both) if one.title == "Lines"]
    assert {row["service.name"] for row in store.ask(lines)} == {service, "demo-app"}


@pytest.mark.parametrize(
    ("chosen", "messages"),
    [
        ({"level": "critical", "dataset": "application"}, {"out of memory"}),
        ({"text": "refused", "dataset": "application"}, {"search failed: connection refused"}),
        ({"text": f"trace.id:{TRACE} AND NOT error.type:*"}, {"GET /search 200"}),
        ({"dataset": "(alerts|container)", "level": "info"}, {"Loaded collection articles_v1"}),
        ({"text": "nothing like it"}, set()),
    ],
)
def test_words_levels_and_datasets_narrow_what_is_found(
    store: Store, dashboards: list[Dashboard], chosen: Mapping[str, str], messages: set[str]
) -> None:
    [lines] = [one for one in searches(dashboards, **chosen) if one.title == "Lines"]
    assert {row["message"] for row in store.ask(lines)} == messages


def test_all_services_show_all_that_there_is(store: Store, dashboards: list[Dashboard]) -> None:
    [lines] = [one for one in searches(dashboards) if one.title == "Lines"]
    assert len(store.ask(lines)) == len(DOCUMENTS)


def test_groups_are_counted_and_the_largest_comes_first(store: Store, dashboards: list[Dashboard]) -> None:
    by_title = {one.title: one for one in searches(dashboards)}
    errors = store.ask(by_title["Errors by service"])
    assert {(row["service.name"], row["error.type"], row["Count"]) for row in errors} == {
        ("demo-app", "ConnectError", 1),
        (ODD_SERVICE, "MemoryError", 1),
    }
    [slowest] = store.ask(by_title["Slowest operations"])
    assert (slowest["operation"], slowest["Max"]) == ("index", 61_000)
    [event] = store.ask(by_title["Security events by action"])
    assert event["Max event.risk_score"] == 30


def test_a_span_leads_to_all_lines_of_its_trace(store: Store, dashboards: list[Dashboard]) -> None:
    text = (find_repository() / "grafana/provisioning/datasources/datasources.yml").read_text("utf-8")
    [jaeger] = [one for one in yaml.safe_load(text)["datasources"] if one["uid"] == "jaeger"]
    query = jaeger["jsonData"]["tracesToLogsV2"]["query"].replace("$${__trace.traceId}", TRACE)
    [lines] = [one for one in searches(dashboards) if one.title == "Lines"]
    found = store.ask(Search("", "", query, lines.target, lines.panel))
    assert len(found) == 2
    assert {row["trace.id"] for row in found} == {TRACE}

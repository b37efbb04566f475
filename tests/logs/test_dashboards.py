"""No panel of logs is empty: a real OpenSearch answers what each asks, from a few documents.

Grafana does not run here: `tests/dashboards/documents.py` asks and reads in its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import pytest
import yaml

from tests.dashboards.queries import Dashboard, built_ins, read_dashboards
from tests.dashboards.searches import Search, list_searches
from tests.logs.opensearch.build import OpenSearchError
from tests.logs.store import (
    DOCUMENTS,
    GOLDEN_END_MS,
    HOUR_MS,
    ODD_SERVICE,
    TRACE,
    Store,
    open_store,
    read_golden,
)
from vectorwatch.demo.repository import find_repository

NOT_GOLDEN = {
    "Slowest operations": "no golden event took a second",
    "Slowest requests": "as above",
    "Slow lines": "as above",
    "What Elasticsearch refused": "what Logstash makes, Elasticsearch takes",
}
"""Panels that golden documents leave empty."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    try:
        with open_store(tmp_path_factory.mktemp("opensearch")) as filled:
            yield filled
    except OpenSearchError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


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

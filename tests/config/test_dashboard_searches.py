"""What panels ask of Elasticsearch has the form of Grafana's data source, and names fields that there are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.dashboards.documents import read_rows, to_request
from tests.dashboards.queries import Dashboard, read_dashboards
from tests.dashboards.searches import (
    SOURCE,
    TIME_FIELD,
    Search,
    check_searches,
    list_fields,
    list_searches,
)
from tests.logs.pipeline.mapping import read_fields

from .compose import Render

Body = dict[str, Any]
TYPES = {name: str(field["type"]) for name, field in read_fields().items()}
FIELDS = {
    "@timestamp": "date",
    "attributes": "flattened",
    "data_stream.type": "constant_keyword",
    "duration_ms": "float",
    "message": "match_only_text",
    "service.name": "keyword",
}
OF_SERVICE = "(service.name:/${service:regex}/ OR data_stream.type:/${service:regex}/)"


def test_dashboards_ask_for_what_documents_have(repository: Path) -> None:
    dashboards = read_dashboards(repository / "grafana" / "dashboards")
    assert any(list(list_searches(one, {})) for one in dashboards)
    findings = [str(one) for one in check_searches(dashboards, TYPES)]
    if findings:
        pytest.fail("\n".join([f"{len(findings)} findings", *findings]), pytrace=False)


def test_the_data_source_reads_the_fields_that_documents_have(repository: Path) -> None:
    text = (repository / "grafana/provisioning/datasources/datasources.yml").read_text(encoding="utf-8")
    sources = {one["uid"]: one for one in yaml.safe_load(text)["datasources"]}
    settings = sources["elasticsearch"]["jsonData"]
    assert sources["elasticsearch"]["type"] == SOURCE["type"]
    assert settings["timeField"] == TIME_FIELD
    assert TYPES[TIME_FIELD] == "date"
    links = settings["dataLinks"]
    assert {settings["logMessageField"], settings["logLevelField"], *(one["field"] for one in links)} <= set(
        TYPES
    )
    assert {one["datasourceUid"] for one in links} <= set(sources)
    to_logs = sources["jaeger"]["jsonData"]["tracesToLogsV2"]
    assert to_logs["datasourceUid"] == "elasticsearch"
    assert list_fields(to_logs["query"]) == {"trace.id"}


def test_each_dashboard_leads_to_the_logs_of_its_services(repository: Path, render: Render) -> None:
    dashboards = read_dashboards(repository / "grafana" / "dashboards")
    without = {one.uid for one in dashboards if not any(url.startswith("/d/vw-logs") for url in one.links)}
    assert without == {"vw-capacity", "vw-service-levels"}, "of no service"
    links = [urlsplit(url) for one in dashboards for url in one.links if url.startswith("/d/vw-logs?")]
    named = {name for url in links for name in parse_qs(url.query).get("var-service_name", [])}
    assert {name for name in named if "$" not in name} <= set(render()["services"])


# ── The rules find what they are about ───────────────────────────────────────────────────────────────────


def target(kind: str = "raw_data", **more: Any) -> Body:
    settings = {"limit": "100"} if kind == "logs" else {"size": "100"}
    return {
        "refId": "A",
        "datasource": SOURCE,
        "query": f"{OF_SERVICE} AND _exists_:duration_ms",
        "timeField": TIME_FIELD,
        "metrics": [{"id": "1", "type": kind, "settings": settings}],
        "bucketAggs": [],
        **more,
    }


def group(**settings: Any) -> Body:
    given = {"order": "desc", "orderBy": "_count", "size": "10", **settings}
    return {"id": "3", "type": "terms", "field": "service.name", "settings": given}


def panel(title: str, kind: str, asked: Body, *columns: str) -> Body:
    keep = {"id": "filterFieldsByName", "options": {"include": {"names": [*columns]}}}
    return {
        "title": title,
        "type": kind,
        "datasource": SOURCE,
        "targets": [asked],
        "transformations": [keep] if columns else [],
    }


def sound() -> Body:
    counted = [{"id": "1", "type": "count"}, {"id": "2", "type": "max", "field": "duration_ms"}]
    every = {"interval": "auto", "min_doc_count": "0"}
    histogram = {"id": "2", "type": "date_histogram", "field": TIME_FIELD, "settings": every}
    by_service = target(metrics=counted, bucketAggs=[group()])
    course = target(metrics=[{"id": "1", "type": "count"}], bucketAggs=[histogram])
    return {
        "uid": "vw-one",
        "templating": {
            "list": [
                {
                    "type": "query",
                    "name": "service",
                    "query": "label_values(a, b)",
                    "includeAll": True,
                    "allValue": ".+",
                    "current": {"value": ["$__all"]},
                }
            ]
        },
        "panels": [
            panel("Raw", "table", target(), "@timestamp", "attributes.anything", "message"),
            panel("Lines", "logs", target("logs")),
            panel("Groups", "table", by_service, "service.name", "Count", "Max"),
            panel("Course", "timeseries", course),
        ],
    }


def read(body: Body) -> Dashboard:
    return Dashboard(Path("one.json"), body)


RAW, LINES, GROUPS, COURSE = range(4)
Change = Callable[[Body], object]
MISTAKES: list[tuple[str, str, int, Change]] = [
    ("search-datasource", "Prometheus", RAW, lambda one: one.update(datasource={"uid": "${datasource}"})),
    ("search-query", "every document", RAW, lambda one: one["targets"][0].update(query=" ")),
    ("search-time-field", "another time", RAW, lambda one: one["targets"][0].update(timeField="time")),
    (
        "search-variable",
        "a variable of patterns as a word",
        RAW,
        lambda one: one["targets"][0].update(query="service.name:$service"),
    ),
    ("search-field", "no such field", RAW, lambda one: one["targets"][0].update(query="service:a")),
    (
        "search-field",
        "no such field exists",
        RAW,
        lambda one: one["targets"][0].update(query='message:"a:b" AND _exists_:level'),
    ),
    ("search-shape", "no metric", RAW, lambda one: one["targets"][0].update(metrics=[])),
    ("search-shape", "lines in a table", LINES, lambda one: one.update(type="timeseries")),
    (
        "search-shape",
        "documents without an end",
        RAW,
        lambda one: one["targets"][0]["metrics"][0].pop("settings"),
    ),
    (
        "search-shape",
        "documents in buckets",
        RAW,
        lambda one: one["targets"][0].update(bucketAggs=[group()]),
    ),
    (
        "search-shape",
        "a figure that is not known",
        COURSE,
        lambda one: one["targets"][0].update(metrics=[{"id": "1", "type": "avg", "field": "duration_ms"}]),
    ),
    ("search-shape", "a table over time", COURSE, lambda one: one.update(type="table")),
    ("search-shape", "two of an id", GROUPS, lambda one: one["targets"][0]["bucketAggs"][0].update(id="2")),
    (
        "search-shape",
        "ordered by nothing",
        GROUPS,
        lambda one: one["targets"][0].update(bucketAggs=[group(orderBy="9")]),
    ),
    (
        "search-shape",
        "groups without an end",
        GROUPS,
        lambda one: one["targets"][0].update(bucketAggs=[group(size="")]),
    ),
    (
        "search-field",
        "grouped by text",
        COURSE,
        lambda one: one["targets"][0]["bucketAggs"][0].update(field="message"),
    ),
    (
        "search-field",
        "the largest of text",
        COURSE,
        lambda one: one["targets"][0].update(metrics=[{"id": "1", "type": "max", "field": "message"}]),
    ),
    (
        "search-alias",
        "a name that no line has",
        COURSE,
        lambda one: one["targets"][0].update(alias="{{service.name}}"),
    ),
    (
        "search-column",
        "no such column",
        RAW,
        lambda one: one["transformations"][0]["options"]["include"].update(names=["level"]),
    ),
    (
        "search-column",
        "a figure that is not asked for",
        GROUPS,
        lambda one: one["transformations"][0]["options"]["include"].update(names=["Min"]),
    ),
]


def test_sound_searches_have_no_findings() -> None:
    assert list(check_searches([read(sound())], FIELDS)) == []


@pytest.mark.parametrize(
    ("rule", "number", "change"),
    [(rule, number, change) for rule, _, number, change in MISTAKES],
    ids=[f"{rule}: {what}" for rule, what, *_ in MISTAKES],
)
def test_a_mistake_is_found_by_its_rule(rule: str, number: int, change: Change) -> None:
    body = copy.deepcopy(sound())
    change(body["panels"][number])
    assert rule in {finding.rule for finding in check_searches([read(body)], FIELDS)}


# ── As Grafana asks, and reads the answer ────────────────────────────────────────────────────────────────


def searches() -> list[Search]:
    return list(list_searches(read(sound()), {"service": "a|b"}))


def test_documents_are_asked_for_newest_first_in_the_span_of_time() -> None:
    raw = to_request(searches()[RAW], 1000, 2000, 10)
    span, words = raw["query"]["bool"]["filter"]
    assert span == {"range": {"@timestamp": {"gte": 1000, "lte": 2000, "format": "epoch_millis"}}}
    assert words["query_string"]["query"] == (
        "(service.name:/a|b/ OR data_stream.type:/a|b/) AND _exists_:duration_ms"
    )
    assert (raw["size"], "aggs" in raw) == (100, False)
    assert next(iter(raw["sort"][0])) == "@timestamp"
    answer = {"hits": {"hits": [{"_source": {"service": {"name": "a"}, "log.level": "info", "tags": ["x"]}}]}}
    assert read_rows(searches()[RAW], answer) == [{"service.name": "a", "log.level": "info", "tags": ["x"]}]


def test_groups_hold_their_figures_and_are_read_as_columns() -> None:
    asked = to_request(searches()[GROUPS], 0, 1, 10)["aggs"]
    assert asked == {
        "3": {
            "terms": {"field": "service.name", "size": 10, "order": {"_count": "desc"}},
            "aggs": {"2": {"max": {"field": "duration_ms"}}},
        }
    }
    bucket = {"key": "a", "doc_count": 3, "2": {"value": 1.5}}
    rows = read_rows(searches()[GROUPS], {"aggregations": {"3": {"buckets": [bucket]}}})
    assert rows == [{"service.name": "a", "Count": 3, "Max": 1.5}]


def test_a_course_has_a_bucket_an_interval() -> None:
    asked = to_request(searches()[COURSE], 1000, 2000, 10)["aggs"]["2"]["date_histogram"]
    assert (asked["fixed_interval"], asked["extended_bounds"]) == ("10ms", {"min": 1000, "max": 2000})

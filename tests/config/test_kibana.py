"""kibana/saved-objects/: as it is made, as Kibana's schemas say, and about fields that there are.

No Kibana runs here; docs/reference/kibana.md says what that leaves unproven.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kibana.kql import Clause, list_clauses, parse
from tests.kibana.objects import (
    FOLDER,
    REPOSITORY,
    Lens,
    read_boards,
    read_filters,
    read_lenses,
    read_objects,
    read_panels,
    read_queries,
)
from tests.kibana.shapes import VERSIONS, find_misfits
from tests.logs.pipeline.mapping import read_fields
from vectorwatch.elastic.saved_objects.addresses import GRAFANA, JAEGER
from vectorwatch.elastic.saved_objects.boards import BOARDS
from vectorwatch.elastic.saved_objects.build import render, write
from vectorwatch.elastic.saved_objects.data_view import DATA_VIEWS
from vectorwatch.elastic.saved_objects.panel import COLUMNS
from vectorwatch.elastic.saved_objects.search import SEARCHES

PATTERNS = REPOSITORY / "elasticsearch/index-templates/vectorwatch-logs.json"
IDS = {
    "index-pattern": {"vw-logs", "vw-logs-security", "vw-logs-alerts", "vw-logs-dead-letter"},
    "search": {
        "vw-all-logs",
        "vw-errors",
        "vw-one-trace",
        "vw-one-request",
        "vw-slow-operations",
        "vw-security-events",
        "vw-alerts",
        "vw-dead-letters",
    },
    "dashboard": {
        "vw-start",
        "vw-errors-by-service",
        "vw-slow-operations",
        "vw-security-events",
        "vw-alert-history",
    },
}
MOST_PANELS = 20

# Types of Elasticsearch, by what can be done with them.
NUMBERS = {"long", "float"}
EXACT = {"keyword", "constant_keyword", "wildcard", "ip", "boolean"}
LENS_TYPES = {"ip": {"ip"}, "boolean": {"boolean"}, "string": {"keyword", "constant_keyword"}}


OBJECTS = read_objects()
each_object = pytest.mark.parametrize("saved", OBJECTS, ids=lambda saved: f"{saved['type']}-{saved['id']}")
each_board = pytest.mark.parametrize("board", read_boards(), ids=lambda board: str(board["id"]))


@pytest.fixture(scope="module")
def fields() -> Mapping[str, str]:
    """Return the type of each field that Elasticsearch knows."""
    return {name: str(field["type"]) for name, field in read_fields().items()}


def test_the_files_are_as_they_are_made() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.ndjson")}
    assert found == render(), "run `make saved-objects` and commit what it writes"


def test_making_them_leaves_files_of_others_and_removes_what_is_no_longer_made(tmp_path: Path) -> None:
    (tmp_path / "mine.ndjson").write_text("{}\n")
    (tmp_path / "vw-gone.ndjson").write_text("{}\n")
    assert write(tmp_path) == [f"saved objects: 17 in 7 files of {tmp_path}"]
    assert {path.name for path in tmp_path.iterdir()} == {*render(), "mine.ndjson"}


def test_ids_are_those_that_links_and_people_know() -> None:
    found = Counter((saved["type"], saved["id"]) for saved in OBJECTS)
    assert set(found) == {(kind, name) for kind, names in IDS.items() for name in names}
    assert max(found.values()) == 1


@each_object
def test_an_object_has_the_shape_that_kibana_takes(saved: Mapping[str, Any]) -> None:
    assert find_misfits(saved) == []
    assert saved["typeMigrationVersion"] == VERSIONS[saved["type"]]
    assert saved["managed"] is True


def test_an_object_of_another_shape_is_found() -> None:
    saved = next(saved for saved in OBJECTS if saved["type"] == "search")
    wrong = {**saved, "attributes": {**saved["attributes"], "title": 1, "colour": "red"}}
    assert sorted(find_misfits(wrong)) == ["attributes.colour", "attributes.title"]


@each_object
def test_what_an_object_needs_is_there_and_what_it_names_it_uses(saved: Mapping[str, Any]) -> None:
    there = {(other["type"], other["id"]) for other in OBJECTS}
    assert {(reference["type"], reference["id"]) for reference in saved["references"]} <= there
    names = [reference["name"] for reference in saved["references"]]
    assert sorted(names) == sorted(_find_needs(saved))


def _find_needs(saved: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names by which Kibana looks for what an object needs."""
    if saved["type"] == "search":
        yield json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["indexRefName"]
    if saved["type"] == "dashboard":
        for panel in read_panels(saved):
            if panel["type"] == "search":
                yield f"{panel['panelIndex']}:{panel['panelRefName']}"
            elif panel["type"] == "lens":
                attributes = panel["embeddableConfig"]["attributes"]
                (layer,) = attributes["state"]["datasourceStates"]["formBased"]["layers"]
                (reference,) = attributes["references"]
                assert reference["name"] == f"indexpattern-datasource-layer-{layer}"
                yield f"{panel['panelIndex']}:{reference['name']}"
        yield from (f"controlGroup_{name}:optionsListDataView" for name in read_filters(saved))


def test_data_views_are_of_our_streams_and_of_the_field_of_time(fields: Mapping[str, str]) -> None:
    ours = json.loads(PATTERNS.read_text())["index_patterns"]
    assert "logs-*" in (view.pattern for view in DATA_VIEWS)
    for saved in OBJECTS:
        if saved["type"] == "index-pattern":
            attributes = saved["attributes"]
            assert attributes["title"] in [*ours, "logs-*"]
            assert fields[attributes["timeFieldName"]] == "date"
            assert attributes["allowNoIndex"] is True, "before its first document a stream is no error"


def test_field_formats_fit_their_fields(fields: Mapping[str, str]) -> None:
    for saved in OBJECTS:
        if saved["type"] != "index-pattern":
            continue
        for name, form in json.loads(saved["attributes"]["fieldFormatMap"]).items():
            fitting = {"url": {"keyword"}, "number": NUMBERS, "duration": NUMBERS}[form["id"]]
            assert fields[name] in fitting, name
        formats = json.loads(saved["attributes"]["fieldFormatMap"])
        assert formats["trace.id"]["params"]["urlTemplate"] == "$JAEGER_URL/trace/{{value}}"
        assert formats["duration_ms"]["params"]["inputFormat"] == "milliseconds"


@each_object
def test_queries_are_understood_and_about_fields_that_there_are(
    saved: Mapping[str, Any], fields: Mapping[str, str]
) -> None:
    for query in read_queries(saved):
        for clause in list_clauses(parse(query)):
            assert clause.field in fields, query
            if clause.operator != ":":
                assert fields[clause.field] in NUMBERS, query
            elif clause.value != "*":
                assert fields[clause.field] in EXACT, query


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.id)
def test_columns_of_a_search_are_fields_and_it_sorts_by_one(search: Any, fields: Mapping[str, str]) -> None:
    assert [name for name in search.columns if name not in fields] == []
    assert len(set(search.columns)) == len(search.columns)
    assert fields[search.order[0]] in {*NUMBERS, "date"}


@each_board
def test_panels_stand_side_by_side_and_fill_each_line(board: Mapping[str, Any]) -> None:
    panels = read_panels(board)
    assert 0 < len(panels) <= MOST_PANELS
    taken: Counter[tuple[int, int]] = Counter()
    for panel in panels:
        grid = panel["gridData"]
        assert grid["i"] == panel["panelIndex"]
        assert 0 <= grid["x"] < grid["x"] + grid["w"] <= COLUMNS
        assert min(grid["w"], grid["h"]) >= 3
        taken.update(
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        )
    assert set(taken.values()) == {1}
    height = max(y for _, y in taken) + 1
    assert len(taken) == height * COLUMNS, "there is a gap"
    assert len({panel["panelIndex"] for panel in panels}) == len(panels)


@each_board
def test_a_chart_asks_for_what_it_shows(board: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    for lens in read_lenses(board):
        assert sorted(lens.order) == sorted(lens.columns), lens.name
        buckets = [lens.columns[name]["isBucketed"] for name in lens.order]
        assert buckets == sorted(buckets, reverse=True), f"{lens.name}: buckets come before numbers"
        assert False in buckets, f"{lens.name}: without a number"
        for column in lens.columns.values():
            _check_column(lens, column, fields)
        assert sorted(_shown(lens)) == sorted(lens.order), lens.name


def _check_column(lens: Lens, column: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    field = column["sourceField"]
    place = f"{lens.name}: {field}"
    match column["operationType"]:
        case "count":
            assert field == "___records___", place
        case "unique_count":
            assert fields[field] in EXACT, place
        case "max" | "percentile":
            assert fields[field] in NUMBERS, place
            assert 0 < column["params"].get("percentile", 1) < 100
        case "date_histogram":
            assert fields[field] == "date", place
        case "terms":
            assert fields[field] in LENS_TYPES[column["dataType"]], place
            ordered_by = lens.columns[column["params"]["orderBy"]["columnId"]]
            assert not ordered_by["isBucketed"], place
            assert 0 < column["params"]["size"] <= 1000  # Lens takes no more
        case other:
            pytest.fail(f"{place}: operation {other} is not known here")


def _shown(lens: Lens) -> list[str]:
    """Return the columns that a visualization shows."""
    shape = lens.visualization
    if lens.kind == "lnsMetric":
        bands = shape.get("palette", {}).get("params", {"stops": [], "colorStops": [], "steps": 0})
        ends, begins = ([band["stop"] for band in bands[name]] for name in ("stops", "colorStops"))
        assert len(ends) == bands["steps"]
        assert begins[1:] == ends[:-1], "a band begins where the last one ends"
        return [shape["metricAccessor"]]
    if lens.kind == "lnsDatatable":
        assert shape["sorting"]["columnId"] in lens.columns
        return [column["columnId"] for column in shape["columns"]]
    assert lens.kind == "lnsXY"
    (layer,) = shape["layers"]
    assert shape["preferredSeriesType"] == layer["seriesType"]
    assert [drawn["forAccessor"] for drawn in layer["yConfig"]] == layer["accessors"]
    assert lens.columns[layer["xAccessor"]]["operationType"] == "date_histogram"
    split = [layer["splitAccessor"]] if "splitAccessor" in layer else []
    assert not split or len(layer["accessors"]) == 1, "one number for each value"
    return [layer["xAccessor"], *layer["accessors"], *split]


@each_board
def test_filters_are_of_fields_with_values_to_choose_from(
    board: Mapping[str, Any], fields: Mapping[str, str]
) -> None:
    filters = read_filters(board)
    assert filters
    for name, body in filters.items():
        assert body["explicitInput"]["id"] == name
        assert fields[body["explicitInput"]["fieldName"]] in {"keyword", "ip", "boolean"}


def test_links_of_the_start_dashboard_lead_to_all_that_there_is() -> None:
    (text,) = (
        panel["embeddableConfig"]["savedVis"]["params"]["markdown"]
        for board in OBJECTS
        if board["id"] == "vw-start"
        for panel in read_panels(board)
        if panel["type"] == "visualization"
    )
    links = re.findall(r"\]\(([^)]+)\)", text)
    inside = [link for link in links if link.startswith("/")]
    dashboards = {f"/app/dashboards#/view/{board.id}" for board in BOARDS if board.id != "vw-start"}
    searches = {f"/app/discover#/view/{search.id}" for search in SEARCHES}
    assert dashboards <= set(inside) <= dashboards | searches
    assert set(links) - set(inside) == {f"{GRAFANA}/d/vw-logs", f"{GRAFANA}/d/vw-log-pipeline", JAEGER}


@each_object
def test_only_known_words_stand_for_addresses(saved: Mapping[str, Any]) -> None:
    assert set(re.findall(r"\$[A-Z_]+", json.dumps(saved))) <= {GRAFANA, JAEGER}
    assert not re.search(r"https?://", json.dumps(saved)), "addresses are those of a machine"


@pytest.mark.parametrize(
    ("query", "clauses"),
    [
        ("", ()),
        ("log.level: error", (Clause("log.level", ":", "error"),)),
        (
            "a: (b or c) and not d >= 5",
            (Clause("a", ":", "b"), Clause("a", ":", "c"), Clause("d", ">=", "5")),
        ),
        ('(a: "b c" OR d: *)', (Clause("a", ":", "b c"), Clause("d", ":", "*"))),
    ],
)
def test_a_query_is_split_into_its_clauses(query: str, clauses: tuple[Clause, ...]) -> None:
    assert tuple(list_clauses(parse(query))) == clauses


@pytest.mark.parametrize(
    "query",
    [
        "error",
        "a:",
        "a: b c",
        "a: (b or",
        "a: b)",
        "a: b and",
        "or a: b",
        "a = b",
        'a: "b',
        "a: {b: c}",
        "a > > 1",
    ],
)
def test_a_query_that_kibana_takes_otherwise_than_meant_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(query)


@given(st.text(alphabet='ab:()<>="*\\ .and or not', max_size=24))
def test_any_text_is_a_query_or_a_value_error(query: str) -> None:
    with suppress(ValueError):
        parse(query)

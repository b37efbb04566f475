from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from vectorwatch.dashboards.board import Board, Textbox, Variable, job_and_instance, logs_of, row
from vectorwatch.dashboards.grafana import MOST_POINTS, PLUGIN_VERSION, to_json
from vectorwatch.dashboards.panel import (
    BYTES,
    RATIO,
    RUNBOOKS,
    SECONDS,
    UP_DOWN,
    Column,
    Limits,
    Panel,
    bars,
    course,
    documents,
    gauge,
    heatmap,
    lines,
    query,
    scatter,
    search,
    stat,
    states,
    table,
    timeseries,
)
from vectorwatch.errors import ConfigError
from vectorwatch.rules.thresholds import Threshold

THRESHOLDS = {
    "latency_warning": Threshold("latency_warning", 0.2, "seconds", "LatencyHigh", (), "made up"),
    "latency_critical": Threshold("latency_critical", 2, "seconds", "LatencyHigh", (), "made up"),
    "hits_ratio": Threshold("hits_ratio", 0.5, "ratio", "HitsLow", (), "made up"),
    "slow_milliseconds": Threshold("slow_milliseconds", 250, "milliseconds", "Slow", (), "made up"),
}


def build(*panels: Panel, collapsed: bool = False) -> Mapping[str, Any]:
    board = Board(
        name="example",
        folder="Search",
        title="Example",
        about="For tests.",
        rows=(
            row("First", *panels, collapsed=collapsed),
            row("Second", stat("Last", "x", "none", query("up"))),
        ),
        variables=(
            *job_and_instance("up", 'kind="a"'),
            Variable("collection", "Collection", "x"),
            Textbox("text", "Search", "*"),
        ),
        components=("qdrant", "hnsw"),
        restarts='process_start_time_seconds{job=~"$job"}',
        links=(("Other", "/d/vw-other"),),
    )
    return json.loads(json.dumps(to_json(board, THRESHOLDS)))  # type: ignore[no-any-return]


def only(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in build(panel)["panels"] if one["type"] != "row")
    return found


def steps(panel: Mapping[str, Any]) -> list[tuple[float | None, str]]:
    return [
        (step["value"], step["color"]) for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    ]


def test_a_dashboard_has_what_grafana_and_its_readers_need() -> None:
    board = build(timeseries("One", "x", SECONDS, query("up")))
    assert (board["uid"], board["schemaVersion"], board["editable"]) == ("vw-example", 42, False)
    assert (board["graphTooltip"], board["timezone"]) == (1, "browser")
    assert [variable["name"] for variable in board["templating"]["list"]] == [
        *("datasource", "job", "instance", "collection", "text")
    ]
    job, instance = board["templating"]["list"][1:3]
    assert (job["definition"], job["allValue"], job["refresh"]) == (
        'label_values(up{kind="a"}, job)',
        ".+",
        2,
    )
    assert instance["definition"] == 'label_values(up{job=~"$job", kind="a"}, instance)'
    alerts, restarts = board["annotations"]["list"]
    assert 'component=~"qdrant|hnsw"' in alerts["expr"]
    assert restarts["expr"] == 'changes(process_start_time_seconds{job=~"$job"}[$__rate_interval]) > 0'
    assert [link["type"] for link in board["links"]] == ["dashboards", "link"]
    # The SDK's value hides them in a menu.
    assert not any("placement" in one for one in (*board["links"], alerts, restarts))


def test_panels_stand_side_by_side_without_gaps_and_rows_below_each_other() -> None:
    panels = [stat(f"S{number}", "x", "none", query("up"), width=8) for number in range(4)]
    placed = [one["gridPos"] for one in build(*panels)["panels"]]
    assert placed == [
        {"h": 1, "w": 24, "x": 0, "y": 0},
        *({"h": 4, "w": 8, "x": x, "y": 1} for x in (0, 8, 16)),
        {"h": 4, "w": 24, "x": 0, "y": 5},
        {"h": 1, "w": 24, "x": 0, "y": 9},
        {"h": 4, "w": 24, "x": 0, "y": 10},
    ]
    ids = [one["id"] for one in build(*panels)["panels"]]
    assert sorted(set(ids)) == ids


def test_a_closed_row_holds_its_panels_and_takes_one_line() -> None:
    first, second, last = build(stat("S", "x", "none", query("up")), collapsed=True)["panels"]
    assert (first["collapsed"], [one["title"] for one in first["panels"]]) == (True, ["S"])
    assert (second["gridPos"]["y"], last["gridPos"]["y"]) == (1, 2)


def test_a_limit_is_drawn_with_its_number_and_links_to_its_runbook() -> None:
    limits = Limits(warning="latency_warning", critical="latency_critical")
    panel = only(timeseries("T", "x", SECONDS, query("up"), limits=limits, alerts=("Other",)))
    assert steps(panel) == [(None, "green"), (0.2, "orange"), (2, "red")]
    assert panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert [link["url"].rpartition("/")[2] for link in panel["links"]] == ["LatencyHigh.md", "Other.md"]
    assert all(link["url"].startswith("/api/datasources/proxy/uid/${datasource}/") for link in panel["links"])


def test_where_small_values_are_bad_the_colours_are_the_other_way_round() -> None:
    panel = only(
        gauge("G", "x", RATIO, query("up"), limits=Limits(warning="hits_ratio", below=True), maximum=1)
    )
    assert steps(panel) == [(None, "orange"), (0.5, "green")]
    assert (panel["fieldConfig"]["defaults"]["min"], panel["fieldConfig"]["defaults"]["max"]) == (0, 1)
    assert panel["targets"][0]["instant"] is True


@pytest.mark.parametrize(
    ("panel", "of_now"),
    [
        (stat("S", "x", SECONDS, query("a")), False),
        (stat("S", "x", SECONDS, query("rate(a[$__rate_interval])")), False),
        (stat("S", "x", SECONDS, query("increase(a[$__range])")), True),
        (stat("S", "x", SECONDS, query("avg_over_time(a[1d])")), True),
        (stat("S", "x", "none", query("a"), states=UP_DOWN), True),
        (stat("S", "x", "none", query("a"), any_is_bad=True), True),
        (timeseries("T", "x", SECONDS, query("increase(a[1h])")), False),
    ],
)
def test_a_number_that_is_a_verdict_or_over_hours_is_asked_for_now_only(panel: Panel, of_now: bool) -> None:
    assert only(panel)["targets"][0]["instant"] is of_now


def test_each_value_of_a_number_may_lead_somewhere() -> None:
    panel = only(stat("S", "x", "none", query("a", "A"), query("b", "B", opens="/d/vw-other")))
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["matcher"] == {"id": "byFrameRefID", "options": "B"}
    [setting] = override["properties"]
    assert (setting["id"], [link["title"] for link in setting["value"]]) == ("links", ["B"])


def test_a_link_to_a_dashboard_hands_on_the_time_and_the_data_source() -> None:
    kept = "${__url_time_range}&${datasource:queryparam}"
    columns = (
        Column("instance", "Server", link="/d/vw-other?var-instance=${__value.raw}"),
        Column("alertname", "Alert", link=f"{RUNBOOKS}${{__value.raw}}.md"),
    )
    panel = only(table("T", "x", query("a"), columns=columns, links=(("Other", "/d/vw-other"),)))
    assert [link["url"] for link in panel["links"]] == [f"/d/vw-other?{kept}"]
    server, alert = (
        setting["value"]
        for override in panel["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "links"
    )
    url = f"/d/vw-other?var-instance=${{__value.raw}}&{kept}"
    assert server == [{"title": "Server", "url": url, "targetBlank": False}]
    assert alert == [{"title": "Alert", "url": columns[1].link, "targetBlank": True}]
    above = build(stat("S", "x", "none", query("up")))["links"][1]
    assert (above["url"], above["keepTime"]) == ("/d/vw-other?${datasource:queryparam}", True)


def test_no_panel_looks_like_one_of_an_old_grafana() -> None:
    panels = [one for one in build(stat("S", "x", "none", query("up")))["panels"] if one["type"] != "row"]
    assert {one["pluginVersion"] for one in panels} == {PLUGIN_VERSION}


def test_a_panel_may_have_a_time_range_of_its_own() -> None:
    assert only(timeseries("T", "x", SECONDS, query("a"), span="7d"))["timeFrom"] == "7d"


def test_milliseconds_are_drawn_on_a_panel_of_seconds() -> None:
    panel = only(stat("S", "x", SECONDS, query("up"), limits=Limits(critical="slow_milliseconds")))
    assert steps(panel) == [(None, "green"), (0.25, "red")]


@pytest.mark.parametrize(
    ("limits", "unit", "message"),
    [
        (Limits(warning="latency_waning"), SECONDS, "is not in prometheus/thresholds.yml"),
        (Limits(warning="latency_warning"), BYTES, "is in `bytes`, but the threshold .* in seconds"),
        (Limits(), SECONDS, "limits without a name"),
    ],
)
def test_a_limit_that_would_lie_is_refused(limits: Limits, unit: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^example: S: {message}|^example: S: .*{message}"):
        build(stat("S", "x", unit, query("up"), limits=limits))


def test_a_count_of_bad_things_is_red_as_soon_as_there_is_one() -> None:
    assert steps(only(stat("S", "x", "none", query("up"), any_is_bad=True)))[0] == (None, "green")
    assert steps(only(stat("S", "x", "none", query("up"), any_is_bad=True)))[1][1] == "red"


def test_a_number_is_shown_as_what_it_means() -> None:
    for panel in (
        stat("S", "x", "none", query("up"), states=UP_DOWN),
        states("S", "x", query("up"), meanings=UP_DOWN),
    ):
        [mapping] = only(panel)["fieldConfig"]["defaults"]["mappings"]
        assert mapping["type"] == "value"
        assert mapping["options"]["0"] == {"color": "red", "index": 0, "text": "down"}


def test_a_table_shows_the_columns_that_were_asked_for_in_their_order() -> None:
    columns = (
        Column("instance", "Server", link="/d/vw-other?var-instance=${__value.raw}"),
        Column("Value #A", "Time", SECONDS, limits=Limits(warning="latency_warning")),
        Column("Value #B", "Up", states=UP_DOWN),
    )
    panel = only(table("T", "x", query("a"), query("b"), columns=columns, sort_by="Time"))
    assert [one["id"] for one in panel["transformations"]] == ["merge", "filterFieldsByName", "organize"]
    names = panel["transformations"][1]["options"]["include"]["names"]
    assert names == ["instance", "Value #A", "Value #B"]
    assert panel["transformations"][2]["options"]["renameByName"]["Value #B"] == "Up"
    overrides = {one["matcher"]["options"]: one["properties"] for one in panel["fieldConfig"]["overrides"]}
    assert [one["id"] for one in overrides["Time"]] == ["unit", "thresholds", "custom.cellOptions"]
    assert [one["id"] for one in overrides["Server"]] == ["unit", "links"]
    assert all(target["format"] == "table" and target["instant"] for target in panel["targets"])
    assert [link["title"] for link in panel["links"]] == ["Runbook: LatencyHigh"]
    assert panel["options"]["sortBy"] == [{"desc": True, "displayName": "Time"}]


@pytest.mark.parametrize(
    ("make", "kind", "form"),
    [
        (lambda: heatmap("H", "x", SECONDS, "a"), "heatmap", "heatmap"),
        (lambda: bars("B", "x", SECONDS, query("a")), "bargauge", None),
        (
            lambda: scatter(
                "X",
                "x",
                (query("a"), Column("Value #A", "A")),
                (query("b"), Column("Value #B", "B")),
                labels=(Column("ef", "ef"),),
            ),
            "xychart",
            "table",
        ),
    ],
)
def test_each_kind_asks_in_the_form_that_it_draws(
    make: Callable[[], Panel], kind: str, form: str | None
) -> None:
    panel = only(make())
    assert panel["type"] == kind
    assert {target.get("format") for target in panel["targets"]} == {form}


def test_a_point_says_which_series_it_is() -> None:
    x, y = (query("a"), Column("Value #A", "A")), (query("b"), Column("Value #B", "B"))
    panel = only(scatter("X", "x", x, y, labels=(Column("ef", "Candidates"),)))
    _, kept, named = panel["transformations"]
    assert kept["options"]["include"]["names"] == ["Value #A", "Value #B", "ef"]
    assert named["options"]["indexByName"] == {"Value #A": 0, "Value #B": 1, "ef": 2}


def test_every_panel_asks_the_data_source_that_the_reader_has_chosen() -> None:
    text = json.dumps(build(timeseries("T", "x", SECONDS, query("up", "{{instance}}", exemplars=True))))
    assert set(re.findall(r'"datasource": \{"type": "prometheus", "uid": "([^"]+)"\}', text)) == {
        "${datasource}"
    }
    assert '"exemplar": true' in text


def test_what_is_drawn_over_time_has_a_bound_of_points_however_wide_it_is() -> None:
    wide = only(timeseries("T", "x", SECONDS, query("up", "{{instance}}"), width=24))
    assert wide["maxDataPoints"] == only(heatmap("H", "x", SECONDS, "a"))["maxDataPoints"] == MOST_POINTS


def test_a_heatmap_shows_the_traces_of_what_it_counts() -> None:
    [target] = only(heatmap("H", "x", SECONDS, "a"))["targets"]
    assert target["exemplar"] is True


# ── What is asked of Elasticsearch ───────────────────────────────────────────────────────────────────────


def test_a_text_that_the_reader_writes_begins_with_what_it_is_given() -> None:
    box = build(stat("S", "x", "none", query("up")))["templating"]["list"][-1]
    assert (box["type"], box["label"], box["query"]) == ("textbox", "Search", "*")
    assert box["current"]["value"] == "*"


def test_lines_are_asked_of_elasticsearch_and_the_newest_come_first() -> None:
    panel = only(lines("L", "x", search("a:1  AND\n b:2", most=50)))
    [target] = panel["targets"]
    assert (panel["type"], panel["options"]["sortOrder"]) == ("logs", "Descending")
    assert panel["datasource"] == target["datasource"] == {"type": "elasticsearch", "uid": "elasticsearch"}
    assert (target["query"], target["timeField"], target["bucketAggs"]) == ("a:1 AND b:2", "@timestamp", [])
    assert target["metrics"] == [{"id": "1", "type": "logs", "settings": {"limit": "50"}}]


def test_documents_without_groups_are_rows_as_they_are() -> None:
    columns = (Column("@timestamp", "Time"), Column("message", "Text"))
    panel = only(documents("D", "x", search("a:1"), columns=columns))
    assert panel["targets"][0]["metrics"] == [{"id": "1", "type": "raw_data", "settings": {"size": "500"}}]
    assert panel["transformations"][0]["options"] == {"include": {"names": ["@timestamp", "message"]}}


def test_groups_are_ordered_by_the_first_figure() -> None:
    asked = search(
        "a:1", by=("service.name", "operation"), figures=(("percentiles", "ms"), ("count", "")), most=5
    )
    [target] = only(documents("D", "x", asked, columns=(Column("Count", "Lines"),)))["targets"]
    assert [(one["id"], one["type"]) for one in target["metrics"]] == [("1", "percentiles"), ("2", "count")]
    assert [(one["id"], one["field"]) for one in target["bucketAggs"]] == [
        ("3", "service.name"),
        ("4", "operation"),
    ]
    assert {one["settings"]["orderBy"] for one in target["bucketAggs"]} == {"1"}
    by_count = search("a:1", by=("service.name",), figures=(("count", ""), ("max", "ms")))
    [target] = only(documents("D", "x", by_count, columns=(Column("Count", "Lines"),)))["targets"]
    assert target["bucketAggs"][0]["settings"]["orderBy"] == "_count"


def test_a_course_counts_documents_in_bars_over_time() -> None:
    panel = only(course("C", "x", search("a:1", "{{level}}", by=("level",), over_time=True)))
    [target] = panel["targets"]
    assert (target["alias"], [one["type"] for one in target["bucketAggs"]]) == (
        "{{level}}",
        ["terms", "date_histogram"],
    )
    assert panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"


def test_the_link_to_logs_names_services_and_what_narrows_them() -> None:
    assert logs_of() == ("Logs", "/d/vw-logs")
    asked = logs_of("a", "b", only="var-level=error")
    assert asked[1] == "/d/vw-logs?var-service_name=a&var-service_name=b&var-level=error"


def test_a_click_on_a_value_says_where_it_leads() -> None:
    panel = only(timeseries("T", "x", SECONDS, query("up", "{{job}}", opens="/d/vw-logs", opens_as="Logs")))
    [override] = panel["fieldConfig"]["overrides"]
    assert override["properties"][0]["value"][0]["title"] == "Logs"

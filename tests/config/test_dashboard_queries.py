"""The queries of a dashboard are what Grafana sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.queries import Dashboard, built_ins, list_variables, read_dashboards, substitute


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('up{job=~"$job"}', 'up{job=~"a|b"}'),
        ('up{job=~"${job}"}', 'up{job=~"a|b"}'),
        ('up{job=~"${job:regex}"}', 'up{job=~"a|b"}'),
        ('up{job=~"[[job]]"}', 'up{job=~"a|b"}'),
        ('up{job=~"[[job:regex]]"}', 'up{job=~"a|b"}'),
        ('up{job=~"x$", a="$jobs"}', 'up{job=~"x$", a="$jobs"}'),
    ],
)
def test_a_variable_is_filled_in_however_it_is_written(text: str, filled: str) -> None:
    assert substitute(text, {"job": "a|b"}) == filled


def test_all_variables_of_a_text_are_listed() -> None:
    assert list_variables("$a ${b} ${c:regex} [[d]] $__range x$ ${__value.raw}") == {
        *("a", "b", "c", "d"),
        *("__range", "__value"),
    }


@pytest.mark.parametrize(("step_seconds", "rate_interval"), [(15, "60s"), (45, "60s"), (60, "75s")])
def test_the_rate_interval_is_four_scrapes_or_a_step_and_a_scrape(
    step_seconds: int, rate_interval: str
) -> None:
    assert built_ins(step_seconds=step_seconds)["__rate_interval"] == rate_interval


def variable(query: Any, **more: Any) -> dict[str, Any]:
    return {"type": "query", "name": "x", "query": query, "current": {"value": ["$__all"]}, **more}


def dashboard(*variables: dict[str, Any], panels: Any = ()) -> Dashboard:
    return Dashboard(Path("a.json"), {"uid": "a", "templating": {"list": [*variables]}, "panels": [*panels]})


@pytest.mark.parametrize(
    ("query", "expr", "label", "counted"),
    [
        ("label_values(up, job)", "up", "job", "group by (job) (up)"),
        ('label_values(up{a=~"b,c"}, job)', 'up{a=~"b,c"}', "job", 'group by (job) (up{a=~"b,c"})'),
        ("label_values(job)", "", "job", 'group by (job) ({__name__=~".+"})'),
        ("query_result(max(up) > 0)", "max(up) > 0", "", "max(up) > 0"),
    ],
)
def test_the_question_of_a_variable_is_read(query: str, expr: str, label: str, counted: str) -> None:
    for written in (query, {"query": query, "qryType": 1}):
        (found,) = dashboard(variable(written)).queries({})
        assert (found.kind, found.expr, found.label, found.counted) == ("variable", expr, label, counted)


def test_a_variable_is_all_unless_it_starts_with_something_else() -> None:
    chosen = dashboard(
        variable("a", name="all", includeAll=True, allValue=".+"),
        variable("b", name="one", current={"value": "1"}),
        variable("c", name="two", current={"value": ["1.0", "2"]}),
    )
    values = chosen.values({"one": "given"})
    assert (values["all"], values["one"], values["two"]) == (".+", "given", r"(1\.0|2)")


def target(ref: str, **more: Any) -> dict[str, Any]:
    return {"refId": ref, "expr": f"{ref.lower()}_total[$__range]", **more}


def test_every_target_is_asked_also_in_collapsed_rows_but_no_hidden_one(tmp_path: Path) -> None:
    panels = [
        {"type": "timeseries", "title": "One", "targets": [target("A", range=True), target("B", hide=True)]},
        {
            "type": "row",
            "title": "Row",
            "panels": [{"type": "table", "title": "Two", "targets": [target("C")]}],
        },
    ]
    folder = tmp_path / "Folder"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(dashboard(panels=panels).body), encoding="utf-8")
    (read,) = read_dashboards(tmp_path)
    found = [(query.title, query.ref, query.expr) for query in read.queries({"__range": "1h"})]
    assert found == [("One", "A", "a_total[1h]"), ("Two", "C", "c_total[1h]")]
    assert read.folder == "Folder"


def test_a_question_becomes_the_request_that_grafana_makes() -> None:
    panels = [{"title": "One", "targets": [target("A", range=True), target("B", instant=True)]}]
    asked = dashboard(variable("label_values(up, job)"), panels=panels).queries({"__range": "1h"})
    span = {"start": "0.000", "end": "60.000"}
    assert [query.request(0, 60, 15) for query in asked] == [
        ("label/job/values", {**span, "match[]": "up"}),
        ("query_range", {"query": "a_total[1h]", **span, "step": "15"}),
        ("query", {"query": "b_total[1h]", "time": "60.000"}),
    ]


def test_links_are_found_wherever_one_can_click() -> None:
    body = {
        "links": [{"url": "/a"}],
        "panels": [
            {"links": [{"url": "/b"}], "fieldConfig": {"defaults": {"links": [{"url": "/c"}]}}},
            {"type": "text", "options": {"content": 'Read [this](/d) or <a href="/e">that</a>.'}},
        ],
    }
    assert Dashboard(Path("a.json"), body).links == ["/a", "/b", "/c", "/d", "/e"]

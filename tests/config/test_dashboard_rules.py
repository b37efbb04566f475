"""Each rule of dashboards finds the mistake that it is about, and nothing in a dashboard without one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.finding import Finding, sift
from tests.dashboards.form import check_form
from tests.dashboards.links import check_links
from tests.dashboards.promql import Parse, check_queries, check_repetition
from tests.dashboards.queries import Dashboard

Body = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RECORDED = {"job:a:rate5m"}
LABELS = {"a_total": {"code", "collection"}}


def variable(name: str, query: str) -> Body:
    return {
        "type": "query",
        "name": name,
        "label": name.title(),
        "datasource": SOURCE,
        "query": {"query": query, "qryType": 1},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"value": ["$__all"]},
    }


def panel(number: int, title: str, x: int, expr: str) -> Body:
    target = {"refId": "A", "expr": expr, "legendFormat": "{{instance}}", "range": True, "datasource": SOURCE}
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "description": "What is asked for in a second. Nothing at all means that nobody reaches it.",
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": "reqps"}, "overrides": []},
        "targets": [target],
        "links": [{"title": "More", "url": "/d/vw-one?var-job=a&${instance:queryparam}&${__url_time_range}"}],
    }


def sound() -> Body:
    source = {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus"}
    runbook = "/api/datasources/proxy/uid/${datasource}/user/runbooks/CacheDown.md"
    return {
        "uid": "vw-one",
        "title": "One",
        "schemaVersion": 42,
        "editable": False,
        "timezone": "browser",
        "graphTooltip": 1,
        "refresh": "30s",
        "tags": ["ours"],
        "links": [
            {"type": "dashboards", "tags": ["ours"], "url": ""},
            {"type": "link", "title": "Runbook", "url": runbook},
        ],
        "annotations": {"list": [{"name": "Alerts", "datasource": SOURCE, "expr": "ALERTS"}]},
        "templating": {
            "list": [
                source,
                variable("job", "label_values(a_total, job)"),
                variable("instance", 'label_values(a_total{job=~"$job"}, instance)'),
            ]
        },
        "panels": [
            panel(
                1,
                "First",
                0,
                'sum by (instance) (rate(a_total{job=~"$job", instance=~"$instance"}[$__rate_interval]))',
            ),
            panel(2, "Second", 12, 'increase(a_total{job=~"$job", instance=~"$instance", code="5"}[1d])'),
        ],
    }


@pytest.fixture
def find(parse_promql: Parse) -> Callable[..., list[Finding]]:
    def find(*bodies: Body) -> list[Finding]:
        dashboards = [
            Dashboard(Path("One", f"{body['uid'].removeprefix('vw-')}.json"), body) for body in bodies
        ]
        return [
            *check_form(dashboards, {"prometheus"}),
            *check_links(dashboards, {"prometheus"}, {"CacheDown"}),
            *check_queries(dashboards, parse_promql, RECORDED, LABELS),
            *check_repetition(dashboards),
        ]

    return find


def set_in(*path: str | int, to: Any) -> Callable[[Body], None]:
    """Return a change that sets what stands at `path`."""

    def change(body: Body) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def ask(expr: str) -> Callable[[Body], None]:
    return set_in("panels", 0, "targets", 0, "expr", to=expr)


def of(field: str, to: Any) -> Callable[[Body], None]:
    return set_in("panels", 0, field, to=to)


def choose(field: str, to: Any, number: int = 2) -> Callable[[Body], None]:
    return set_in("templating", "list", number, field, to=to)


def link(url: str) -> Callable[[Body], None]:
    return set_in("panels", 0, "links", 0, "url", to=url)


BOTH = 'job=~"$job", instance=~"$instance"'
MISTAKES: list[tuple[str, str, Callable[[Body], None]]] = [
    ("schema-version", "an older form", set_in("schemaVersion", to=39)),
    ("uneditable-dashboard", "edits that would be lost", set_in("editable", to=True)),
    ("timezone", "the server's time", set_in("timezone", to="utc")),
    ("shared-crosshair", "no common crosshair", set_in("graphTooltip", to=0)),
    ("refresh", "stands still", set_in("refresh", to="")),
    ("tags", "not in the list", lambda body: body.update(tags=[], links=[])),
    ("title", "no title", set_in("title", to="")),
    ("template-datasource-rule", "data source without its label", choose("label", "Prometheus", 0)),
    ("template-instance-rule", "another label", choose("label", "Server")),
    ("template-instance-rule", "no All", choose("allValue", None)),
    ("template-instance-rule", "another data source", choose("datasource", {"uid": "prometheus"})),
    ("template-instance-rule", "starts with one", choose("current", {"value": ["a"]})),
    ("template-on-time-change-reload-rule", "read once", choose("refresh", 1)),
    (
        "template-label-promql-rule",
        "no PromQL",
        choose("query", 'label_values(a_total{job=~"$job}, instance)'),
    ),
    (
        "variable-order",
        "uses a later one",
        choose("query", 'label_values(a_total{code=~"$instance"}, job)', 1),
    ),
    ("variable-known", "a variable that is not", of("title", "First of $cluster")),
    ("panel-title-description-rule", "no description", of("description", "Requests")),
    ("panel-title", "two of a name", of("title", "Second")),
    ("panel-id", "two of an id", of("id", 2)),
    ("panel-datasource-rule", "somebody's data source", of("datasource", {"uid": "P1809F7CD0C75ACF3"})),
    (
        "panel-units-rule",
        "a unit that is not",
        set_in("panels", 0, "fieldConfig", "defaults", "unit", to="seconds"),
    ),
    ("panel-units-rule", "no unit", set_in("panels", 0, "fieldConfig", to={})),
    ("panel-no-targets-rule", "asks nothing", of("targets", [])),
    ("panel-legend", "no legend", set_in("panels", 0, "targets", 0, "legendFormat", to="__auto")),
    ("panel-references", "no reference", set_in("panels", 0, "targets", 0, "refId", to="")),
    (
        "panel-thresholds",
        "steps that fall",
        set_in(
            "panels",
            0,
            "fieldConfig",
            "defaults",
            "thresholds",
            to={"steps": [{"value": None}, {"value": 2}, {"value": 1}]},
        ),
    ),
    ("grid", "outside", of("gridPos", {"x": 18, "y": 8, "w": 12, "h": 8})),
    ("grid", "over another", of("gridPos", {"x": 4, "y": 0, "w": 12, "h": 8})),
    ("grid", "too small", of("gridPos", {"x": 0, "y": 0, "w": 4, "h": 8})),
    ("link", "no such dashboard", link("/d/vw-two")),
    ("link", "no such variable", link("/d/vw-one?var-gpu=1")),
    ("link", "a host", link("http://127.0.0.1:9090/graph")),
    ("link", "no such page", link("/dashboard/db/one")),
    (
        "link",
        "no such runbook",
        set_in("links", 1, "url", to="/api/datasources/proxy/uid/prometheus/user/runbooks/No.md"),
    ),
    ("link", "no such tag", set_in("links", 0, "tags", to=["theirs"])),
    ("target-promql-rule", "no PromQL", ask(f"sum(rate(a_total{{{BOTH}}}[$__rate_interval])")),
    ("target-rate-interval-rule", "a fixed window", ask(f"rate(a_total{{{BOTH}}}[5m])")),
    ("target-counter-agg-rule", "a counter, with matchers", ask(f"sum(a_total{{{BOTH}}})")),
    ("rate-of-counter", "the rate of a gauge", ask(f"rate(temperature{{{BOTH}}}[$__rate_interval])")),
    ("target-job-rule", "every job", ask('rate(a_total{instance=~"$instance"}[$__rate_interval])')),
    ("target-instance-rule", "every instance", ask('rate(a_total{job=~"$job"}[$__rate_interval])')),
    (
        "variable-pattern",
        "equal to a pattern",
        ask('rate(a_total{job=~"$job", instance="$instance"}[$__rate_interval])'),
    ),
    ("metric-recorded", "no such recording", ask(f"job:b:rate5m{{{BOTH}}}")),
    ("metric-named", "every metric", ask(f"count({{{BOTH}}})")),
    ("label-known", "no such label", ask(f'rate(a_total{{{BOTH}, method="GET"}}[$__rate_interval])')),
    ("query-repeated", "the same twice", ask(f'increase(a_total{{{BOTH}, code="5"}}[1d])')),
]


def test_a_sound_dashboard_has_no_findings(find: Callable[..., list[Finding]]) -> None:
    assert find(sound()) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [(rule, change) for rule, _, change in MISTAKES],
    ids=[f"{rule}: {what}" for rule, what, _ in MISTAKES],
)
def test_a_mistake_is_found_by_its_rule(
    find: Callable[..., list[Finding]], rule: str, change: Callable[[Body], None]
) -> None:
    body = copy.deepcopy(sound())
    change(body)
    assert {finding.rule for finding in find(body)} == {rule}


def test_a_variable_that_nothing_uses_is_found(find: Callable[..., list[Finding]]) -> None:
    body = sound()
    body["templating"]["list"].append(variable("gpu", "label_values(a_total, gpu)"))
    assert {finding.rule for finding in find(body)} == {"variable-used"}


def test_a_metric_with_the_label_of_a_variable_must_be_filtered_by_it(
    find: Callable[..., list[Finding]],
) -> None:
    body = sound()
    body["templating"]["list"].append(variable("collection", "label_values(a_total, collection)"))
    body["panels"][0]["title"] = "First of $collection"
    assert {finding.rule for finding in find(body)} == {"target-variable-rule"}


def test_two_dashboards_of_one_name_are_found(find: Callable[..., list[Finding]]) -> None:
    rules = {finding.rule for finding in find(sound(), sound())}
    assert rules == {"uid-unique", "title-unique", "query-repeated"}


def test_a_variable_handed_on_to_a_dashboard_without_it_is_found(
    find: Callable[..., list[Finding]],
) -> None:
    other = sound() | {"uid": "vw-two", "title": "Two", "panels": [panel(1, "Of $gpu", 0, "vector(1)")]}
    other["templating"]["list"].append(variable("gpu", 'label_values(b{job=~"$job"}, gpu)'))
    other["panels"][0]["links"][0]["url"] = "/d/vw-one?${gpu:queryparam}&${instance:queryparam}"
    assert [finding.said for finding in find(sound(), other)] == [
        "`vw-one` has no variable `gpu`: /d/vw-one?${gpu:queryparam}&${instance:queryparam}"
    ]


@pytest.mark.parametrize(
    "expr",
    [
        f"count by (job) (a_total{{{BOTH}}})",
        f"rate(a_total{{{BOTH}}}[$__rate_interval]) unless on (job) a_total{{{BOTH}}}",
        f"rate(a_total{{{BOTH}}}[$__rate_interval]) or 0 * sum(a_total{{{BOTH}}})",
    ],
)
def test_a_counter_may_be_asked_whether_it_is_there(find: Callable[..., list[Finding]], expr: str) -> None:
    body = sound()
    ask(expr)(body)
    assert find(body) == []


def test_too_many_panels_on_a_screen_are_found(find: Callable[..., list[Finding]]) -> None:
    body = sound()
    body["panels"] = [
        {
            **panel(number, f"Panel {number}", 0, f'rate(a_total{{{BOTH}, code="{number}"}}[1h])'),
            "type": "stat",
            "gridPos": {"x": number % 8 * 3, "y": number // 8 * 3, "w": 3, "h": 3},
        }
        for number in range(32)
    ]
    assert {finding.rule for finding in find(body)} == {"grid-density"}


def test_panels_of_a_collapsed_row_are_looked_at(find: Callable[..., list[Finding]]) -> None:
    body = sound()
    hidden = panel(4, "Hidden", 0, f'rate(a_total{{{BOTH}, code="4"}}[5m])')
    row = {"id": 3, "type": "row", "title": "More", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 1}}
    body["panels"].append({**row, "collapsed": True, "panels": [hidden]})
    assert {finding.rule for finding in find(body)} == {"target-rate-interval-rule"}


def test_an_exception_covers_its_rule_at_its_place_and_is_told_when_it_covers_nothing() -> None:
    findings = [Finding("grid", "vw-one · First", "wide"), Finding("link", "vw-one", "nowhere")]
    left, unused = sift(findings, {("grid", "vw-one · *"): "meant", ("grid", "vw-two · *"): "gone"})
    assert left == ["link: vw-one: nowhere"]
    assert unused == ["grid: vw-two · *"]

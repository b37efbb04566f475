"""From declarations to Grafana's classic JSON, with Grafana's own SDK."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus as prometheus_builders
from grafana_foundation_sdk.models import common, dashboard, prometheus

from .board import Board, Placed, Row, Textbox, Variable, place
from .documents import ELASTICSEARCH, search_target
from .limits import Thresholds, limit_steps, write_steps
from .look import LOOKS
from .panel import RUNBOOKS, Column, Panel, Query, State

SCHEMA_VERSION = 42
"""Of @grafana/schema 13.2: the classic model that Grafana 12 and 13 read from files."""
PLUGIN_VERSION = "13.2.0"
"""Of the panels. Without one Grafana takes them for old and rewrites them: a scatter would lose its axes."""
TAG = "vectorwatch"
MOST_POINTS = 300
"""Of a line: steps of a minute in six hours, of 15 s in one. The work of Prometheus grows with them."""
GENERATED = "generated"
"""Tells a person who opens the JSON that an edit would be lost."""

_SOURCE = common.DataSourceRef("prometheus", "${datasource}")
_SAME_SOURCE = "${datasource:queryparam}"
_SAME_TIME_AND_SOURCE = "${__url_time_range}&" + _SAME_SOURCE
"""For links of panels and values: there Grafana hands nothing on by itself, whatever `keepTime` says."""


def to_json(board: Board, thresholds: Thresholds) -> dict[str, Any]:
    """Return the dashboard as Grafana reads it. Raises ConfigError for a limit that is no threshold."""
    built = (
        builders.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags([TAG, GENERATED, board.folder.lower()])
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time(board.span, "now")
        .refresh(board.refresh)
        .variables([_datasource(), *(_variable(one) for one in board.variables)])
        .annotations(list(_annotations(board)))
        .links(list(_links(board)))
    ).build()
    built.schema_version = SCHEMA_VERSION
    built.panels = list(_layout(board, thresholds))
    found: dict[str, Any] = _plain(built)
    return found


def _plain(value: Any) -> Any:
    """Return what the SDK made as plain JSON; fields that are not set do not stand in it.

    Neither does `placement`, which the SDK always sets to what hides links and annotations in a menu.
    """
    if hasattr(value, "to_json"):
        value = value.to_json()
    if isinstance(value, Mapping):
        return {
            key: _plain(item)
            for key, item in value.items()
            if key != "placement" or "calcs" in value  # a legend has one, too
            if item is not None or key == "value"
        }
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


# ── Above the panels ─────────────────────────────────────────────────────────────────────────────────────


def _datasource() -> builders.DatasourceVariable:
    chosen = dashboard.VariableOption(text="Prometheus", value="prometheus", selected=True)
    return builders.DatasourceVariable("datasource").label("Data source").type("prometheus").current(chosen)


def _variable(variable: Variable | Textbox) -> builders.QueryVariable | builders.TextBoxVariable:
    if isinstance(variable, Textbox):
        start = dashboard.VariableOption(text=variable.start, value=variable.start, selected=True)
        box = builders.TextBoxVariable(variable.name).label(variable.title)
        return box.default_value(variable.start).current(start).options([start])
    return (
        builders.QueryVariable(variable.name)
        .label(variable.title)
        .datasource(_SOURCE)
        .query({"query": variable.query, "qryType": 1, "refId": f"Variable-{variable.name}"})
        .definition(variable.query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.NATURAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(dashboard.VariableOption(text=["All"], value=["$__all"], selected=True))
    )


def _annotations(board: Board) -> Iterator[builders.AnnotationQuery]:
    if board.components:
        components = "|".join(board.components)
        yield _annotation(
            "Alerts",
            f'ALERTS{{alertstate="firing", severity=~"critical|warning", component=~"{components}"}}',
            colour="red",
            title="{{alertname}}",
            text="{{severity}} {{instance}}",
        )
    if board.restarts:
        yield _annotation(
            "Restarts",
            f"changes({board.restarts}[$__rate_interval]) > 0",
            colour="blue",
            title="Restart",
            text="{{job}} {{instance}}",
        )


def _annotation(name: str, expr: str, *, colour: str, title: str, text: str) -> builders.AnnotationQuery:
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(_SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expr)
        .step("60s")
        .title_format(title)
        .text_format(text)
    )


def _links(board: Board) -> Iterator[builders.DashboardLink]:
    yield (
        builders.DashboardLink("Dashboards")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )
    for title, url in board.links:
        yield _link(title, _keep(url, _SAME_SOURCE)).keep_time(True)


def _link(title: str, url: str) -> builders.DashboardLink:
    return builders.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url)


def _keep(url: str, chosen: str) -> str:
    """Return the address of a dashboard so that it hands on what the reader has chosen."""
    return f"{url}{'&' if '?' in url else '?'}{chosen}"


# ── Panels ───────────────────────────────────────────────────────────────────────────────────────────────


def _layout(board: Board, thresholds: Thresholds) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    top, number = 0, 0
    for one in board.rows:
        number += 1
        heading = _heading(one, top, number)
        placed, top = place(one.panels, top + 1)
        built = []
        for position in placed:
            number += 1
            built.append(_panel(board, position, number, thresholds))
        if one.collapsed:
            heading.panels = built
            yield heading
            top = (heading.grid_pos.y if heading.grid_pos else 0) + 1
        else:
            yield heading
            yield from built


def _heading(one: Row, top: int, number: int) -> dashboard.RowPanel:
    heading = builders.Row(one.title).collapsed(one.collapsed).id(number).build()
    heading.grid_pos = dashboard.GridPos(h=1, w=24, x=0, y=top)
    return heading


def _panel(board: Board, placed: Placed, number: int, thresholds: Thresholds) -> dashboard.Panel:
    panel = placed.panel
    where = f"{board.name}: {panel.title}"
    builder: Any = LOOKS[panel.kind](panel)
    builder.id(number).title(panel.title).description(panel.about)
    builder.datasource(ELASTICSEARCH if panel.searches else _SOURCE)
    builder.grid_pos(dashboard.GridPos(h=panel.height, w=panel.width, x=placed.x, y=placed.y))
    builder.targets(
        [
            *(_target(panel, index) for index in range(len(panel.queries))),
            *(search_target(panel, index) for index in range(len(panel.searches))),
        ]
    )
    opening = [_link(title, _keep(url, _SAME_TIME_AND_SOURCE)) for title, url in panel.links]
    builder.links([*_runbooks(panel, thresholds), *opening])
    if panel.kind in ("table", "scatter"):
        _shape_table(builder, panel, where, thresholds)
    elif panel.kind != "logs":
        builder.unit(panel.unit).thresholds(_steps(panel, where, thresholds))
    if panel.minimum is not None:
        builder.min(panel.minimum)
    if panel.maximum is not None:
        builder.max(panel.maximum)
    if panel.states:
        builder.mappings([_mapping(panel.states)])
    for index, one in enumerate(panel.queries):
        if one.opens:
            setting = _open_on_click(one.opens_as or one.legend, one.opens)
            builder.override_by_query(string.ascii_uppercase[index], [setting])
    if panel.kind in ("timeseries", "heatmap", "states"):
        builder.max_data_points(MOST_POINTS)
    if panel.span:
        builder.time_from(panel.span)
    found: dashboard.Panel = builder.build()
    found.plugin_version = PLUGIN_VERSION
    return found


def _open_on_click(title: str, url: str) -> dashboard.DynamicConfigValue:
    if url.startswith("/d/"):
        link = {"title": title, "url": _keep(url, _SAME_TIME_AND_SOURCE), "targetBlank": False}
    else:  # in this tab Grafana would look for a page of its own at that address
        link = {"title": title, "url": url, "targetBlank": True}
    return dashboard.DynamicConfigValue(id_val="links", value=[link])


def _target(panel: Panel, index: int) -> prometheus_builders.Dataquery:
    one = panel.queries[index]
    target = prometheus_builders.Dataquery().expr(one.expr).ref_id(string.ascii_uppercase[index])
    target.datasource(_SOURCE).editor_mode(prometheus.QueryEditorMode.CODE)
    if panel.kind in ("table", "scatter"):
        return target.instant().format(prometheus.PromQueryFormat.TABLE)
    target.legend_format(one.legend or "__auto")
    if panel.kind in ("gauge", "bars") or (panel.kind == "stat" and _is_of_now(panel, one)):
        return target.instant()
    if panel.kind == "heatmap":
        target.format(prometheus.PromQueryFormat.HEATMAP)
    return target.range().exemplar(one.exemplars)


def _is_of_now(panel: Panel, one: Query) -> bool:
    """Say whether a number is asked for now only, not for its course, of which Grafana shows the last point.

    What is gone has no state, and a green 0 from before it went is no answer to what is bad; a course of
    hours is dear.
    """
    if panel.states is not None or panel.any_is_bad:
        return True
    return re.search(r"\[(\$__range|\d+[hdw])\]", one.expr) is not None


def _runbooks(panel: Panel, thresholds: Thresholds) -> Iterator[builders.DashboardLink]:
    limits = [panel.limits, *(column.limits for column in panel.columns)]
    names = [name for one in limits if one for name in (one.critical, one.warning) if name]
    alerts = [thresholds[name].alert for name in names if name in thresholds]
    for alert in dict.fromkeys((*alerts, *panel.alerts)):
        yield _link(f"Runbook: {alert}", f"{RUNBOOKS}{alert}.md").target_blank(True)


def _steps(panel: Panel, where: str, thresholds: Thresholds) -> builders.ThresholdsConfig:
    if panel.any_is_bad:
        return write_steps([(None, "green"), (0.000001, "red")])
    if panel.limits is None:
        return write_steps([(None, "blue" if panel.states is None else "text")])
    return write_steps(limit_steps(panel.limits, panel.unit, where, thresholds))


def _mapping(meanings: Mapping[float, State]) -> dashboard.ValueMapping:
    return dashboard.ValueMap(
        options={
            f"{number:g}": dashboard.ValueMappingResult(text=state.text, color=state.colour, index=index)
            for index, (number, state) in enumerate(meanings.items())
        }
    )


def _shape_table(builder: Any, panel: Panel, where: str, thresholds: Thresholds) -> None:
    """Keep the declared columns in their order, and give each its unit, colours and link."""
    fields = [column.field for column in panel.columns]
    titles = {column.field: column.title for column in panel.columns}
    order = {field: position for position, field in enumerate(fields)}
    builder.thresholds(write_steps([(None, "text")]))
    if len(panel.queries) > 1:
        builder.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    builder.with_transformation(
        dashboard.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": fields}})
    )
    builder.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize", options={"indexByName": order, "renameByName": titles, "excludeByName": {}}
        )
    )
    for column in panel.columns:
        settings = _column(column, f"{where}: {column.title}", thresholds, in_table=panel.kind == "table")
        builder.override_by_name(column.title, list(settings))


def _column(
    column: Column, where: str, thresholds: Thresholds, *, in_table: bool
) -> Iterator[dashboard.DynamicConfigValue]:
    def setting(name: str, value: object) -> dashboard.DynamicConfigValue:
        return dashboard.DynamicConfigValue(id_val=name, value=value)

    yield setting("unit", column.unit)
    if column.states:
        yield setting("mappings", [_plain(_mapping(column.states))])
    if column.limits:
        steps = write_steps(limit_steps(column.limits, column.unit, where, thresholds))
        yield setting("thresholds", _plain(steps.build()))
    if (column.states or column.limits) and in_table:
        yield setting("custom.cellOptions", {"type": "color-text"})
    if column.link:
        yield _open_on_click(column.title, column.link)

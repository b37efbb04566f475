"""What every dashboard and every panel must have, and the grid they stand in.

Rules with the names of Grafana's dashboard-linter are that linter's; the others are ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .finding import Finding
from .queries import ALL, Dashboard, list_variables

SCHEMA_VERSION = 42
COLUMNS = 24
SCREEN_HEIGHT = 24
"""Of the grid's rows, 38 px with their gap: what a browser of 1080 px height shows below its own bars."""
SCREEN_PANELS = 24
SHORTEST_DESCRIPTION = 40
WITHOUT_TARGETS = {"text", "alertlist", "dashlist", "row"}
WITHOUT_LEGEND = {"table", "heatmap", "stat", "gauge", "histogram", "xychart"}
WITHOUT_UNIT = {"text", "alertlist", "dashlist", "nodeGraph", "traces", "logs"}
UNIT_BY_FIELD = {"table", "xychart"}
_SMALL = {"stat", "gauge"}
_GRAFANA = {
    "__all_variables",
    "__dashboard",
    "__data",
    "__field",
    "__from",
    "__interval",
    "__interval_ms",
    "__org",
    "__range",
    "__range_ms",
    "__range_s",
    "__rate_interval",
    "__series",
    "__to",
    "__url_time_range",
    "__user",
    "__value",
}
_UNITS_FILE = Path(__file__).parent / "grafana_units.txt"
_OWN_UNIT = re.compile(r"(prefix|suffix|time|si|count|currency|bool):.+")


def read_units() -> set[str]:
    """Return the units that Grafana knows by name."""
    lines = _UNITS_FILE.read_text(encoding="utf-8").splitlines()
    return {name for line in lines if not line.startswith("#") for name in line.split()}


def is_unit(name: object, units: set[str]) -> bool:
    """Tell whether Grafana formats with this unit rather than write the name after the number."""
    return isinstance(name, str) and (name in units or bool(_OWN_UNIT.fullmatch(name)))


def check_form(dashboards: Sequence[Dashboard], provisioned: set[str]) -> Iterator[Finding]:
    """Find what is missing or wrong in the form; `provisioned` are the uids of the data sources."""
    yield from _repeated("uid", [(one.uid, str(one.path)) for one in dashboards])
    yield from _repeated("title", [(one.title, one.uid) for one in dashboards])
    units = read_units()
    for dashboard in dashboards:
        yield from _head(dashboard)
        yield from _variables(dashboard)
        yield from _grid(dashboard)
        ids = [panel.get("id") for panel in [*dashboard.panels, *dashboard.rows]]
        for number, count in Counter(ids).items():
            if count > 1 or not isinstance(number, int):
                yield Finding("panel-id", dashboard.uid, f"id {number} stands at {count} panels")
        for panel in dashboard.panels:
            yield from _panel(dashboard, panel, units, provisioned)
        for name, count in Counter(panel.get("title") for panel in dashboard.panels).items():
            if count > 1:
                yield Finding("panel-title", dashboard.uid, f"{count} panels are called `{name}`")


def _repeated(what: str, found: list[tuple[str, str]]) -> Iterator[Finding]:
    for value, count in Counter(value for value, _ in found).items():
        if count > 1:
            places = ", ".join(place for other, place in found if other == value)
            yield Finding(f"{what}-unique", places, f"have the same {what} `{value}`")


def _head(dashboard: Dashboard) -> Iterator[Finding]:
    body = dashboard.body
    wanted: Mapping[str, tuple[str, Any]] = {
        "uid": ("uid", f"vw-{dashboard.path.stem}"),
        "schemaVersion": ("schema-version", SCHEMA_VERSION),
        "editable": ("uneditable-dashboard", False),
        "timezone": ("timezone", "browser"),
        "graphTooltip": ("shared-crosshair", 1),
    }
    for key, (rule, value) in wanted.items():
        if body.get(key) != value:
            yield Finding(rule, dashboard.uid, f"`{key}` is {body.get(key)!r}, not {value!r}")
    if not dashboard.title:
        yield Finding("title", str(dashboard.path), "has no title")
    if not re.fullmatch(r"\d+[smh]", str(body.get("refresh", ""))):
        yield Finding("refresh", dashboard.uid, f"`refresh` is {body.get('refresh')!r}, not like `30s`")
    if not body.get("tags"):
        yield Finding("tags", dashboard.uid, "has no tags, by which the list of dashboards finds it")
    if not dashboard.panels:
        yield Finding("empty", dashboard.uid, "has no panels")


def _variables(dashboard: Dashboard) -> Iterator[Finding]:
    uid = dashboard.uid
    sources = [one for one in dashboard.variables if one.get("type") == "datasource"]
    if [(one.get("name"), one.get("label"), one.get("query")) for one in sources] != [
        ("datasource", "Data source", "prometheus")
    ]:
        said = "needs exactly one variable `datasource`, labelled `Data source`, of type prometheus"
        yield Finding("template-datasource-rule", uid, said)
    names = [one.get("name", "") for one in dashboard.variables]
    for name in ("job", "instance"):
        if name not in names:
            yield Finding(f"template-{name}-rule", uid, f"has no variable `{name}`")
    for position, one in enumerate(dashboard.variables):
        if one.get("type") == "datasource":
            continue
        name = str(one.get("name"))
        place = f"{uid} · {name}"
        rule = f"template-{name}-rule" if name in ("job", "instance") else "template-variable"
        if not one.get("label"):
            yield Finding(rule, place, "has no label")
        elif name in ("job", "instance") and one["label"] != name.title():
            yield Finding(rule, place, f"is labelled `{one['label']}`, not `{name.title()}`")
        if one.get("type") == "query":
            yield from _query_variable(one, rule, place, set(names[:position]))
        if name not in _used_variables(dashboard, one):
            yield Finding("variable-used", place, "changes nothing: no query, title or link uses it")
    for text in _texts(dashboard.body):
        for name in list_variables(text) - set(names) - _GRAFANA:
            if name.isdecimal():
                continue  # `$1` is of label_replace()
            yield Finding("variable-known", uid, f"`${name}` is no variable here: {text[:80]}")


def _query_variable(one: Mapping[str, Any], rule: str, place: str, earlier: set[str]) -> Iterator[Finding]:
    if _uid_of(one.get("datasource")) != "${datasource}":
        yield Finding(rule, place, "does not ask `${datasource}`")
    if one.get("refresh") != 2:
        said = "is not read anew when the span of time changes (`refresh: 2`)"
        yield Finding("template-on-time-change-reload-rule", place, said)
    if not one.get("multi") or not one.get("includeAll") or one.get("allValue") != ".+":
        yield Finding(rule, place, "needs `multi`, `includeAll` and the value `.+` for All")
    if one.get("current", {}).get("value") not in ([ALL], ALL):
        yield Finding(rule, place, "does not start with All")
    query = one.get("query", "")
    text = query.get("query", "") if isinstance(query, Mapping) else query
    for name in list_variables(text) - earlier:
        yield Finding("variable-order", place, f"uses `${name}`, which does not stand before it")


def _used_variables(dashboard: Dashboard, but: Mapping[str, Any]) -> set[str]:
    lists = {"templating": {"list": [one for one in dashboard.variables if one is not but]}}
    return {name for text in _texts({**dashboard.body, **lists}) for name in list_variables(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in ("current", "allValue"):
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


# ── Panels ───────────────────────────────────────────────────────────────────────────────────────────────


def _panel(
    dashboard: Dashboard, panel: Mapping[str, Any], units: set[str], provisioned: set[str]
) -> Iterator[Finding]:
    place = f"{dashboard.uid} · {panel.get('title')}"
    kind = str(panel.get("type"))
    if not panel.get("title"):
        yield Finding("panel-title-description-rule", place, f"panel {panel.get('id')} has no title")
    description = str(panel.get("description", ""))
    if len(description) < SHORTEST_DESCRIPTION or not description.rstrip().endswith((".", "!", "?", ")")):
        said = "needs a description in sentences: what it shows, and what a bad value means"
        yield Finding("panel-title-description-rule", place, said)
    yield from _units_of(panel, kind, place, units)
    yield from _steps(panel, place)
    targets = panel.get("targets", [])
    if not targets and kind not in WITHOUT_TARGETS:
        yield Finding("panel-no-targets-rule", place, "asks nothing")
    refs = Counter(target.get("refId") for target in targets)
    if any(count > 1 or not ref for ref, count in refs.items()):
        yield Finding("panel-references", place, f"the targets are called {sorted(map(str, refs))}")
    for one in [*([panel] if kind not in WITHOUT_TARGETS else []), *targets]:
        source = _uid_of(one.get("datasource"))
        if source != "${datasource}" and source not in provisioned:
            said = f"asks the data source {source!r}, not `${{datasource}}` or a provisioned one"
            yield Finding("panel-datasource-rule", place, said)
    for target in targets:
        legend = target.get("legendFormat")
        if "expr" in target and kind not in WITHOUT_LEGEND and legend in (None, "", "__auto"):
            yield Finding("panel-legend", f"{place} · {target.get('refId')}", "has no `legendFormat`")


def _uid_of(source: Any) -> Any:
    return source.get("uid") if isinstance(source, Mapping) else source


def _units_of(panel: Mapping[str, Any], kind: str, place: str, units: set[str]) -> Iterator[Finding]:
    fields = panel.get("fieldConfig", {})
    default = fields.get("defaults", {}).get("unit")
    if kind == "heatmap":
        default = panel.get("options", {}).get("yAxis", {}).get("unit", default)
    set_units = [
        one.get("value")
        for override in fields.get("overrides", [])
        for one in override.get("properties", [])
        if one.get("id") == "unit"
    ]
    by_field = kind in UNIT_BY_FIELD and bool(set_units)
    if default is not None or (kind not in WITHOUT_UNIT and not by_field):
        set_units.append(default)
    for unit in set_units:
        if not is_unit(unit, units):
            yield Finding("panel-units-rule", place, f"the unit is {unit!r}, which Grafana does not know")


def _steps(panel: Mapping[str, Any], place: str) -> Iterator[Finding]:
    fields = panel.get("fieldConfig", {})
    overrides = [one for each in fields.get("overrides", []) for one in each.get("properties", [])]
    thresholds = [one.get("value", {}) for one in overrides if one.get("id") == "thresholds"]
    for one in [*thresholds, fields.get("defaults", {}).get("thresholds", {})]:
        values = [step.get("value") for step in one.get("steps", [])]
        if values and (values[0] is not None or values[1:] != sorted(set(values[1:]))):
            said = f"the steps {values} do not begin with none and rise from there"
            yield Finding("panel-thresholds", place, said)


# ── Grid ─────────────────────────────────────────────────────────────────────────────────────────────────


def _grid(dashboard: Dashboard) -> Iterator[Finding]:
    for number, group in enumerate(dashboard.groups):
        placed = [*group, *dashboard.rows] if number == 0 else group
        for index, panel in enumerate(placed):
            place = f"{dashboard.uid} · {panel.get('title')}"
            yield from _size(panel, place)
            for other in placed[:index]:
                if _overlap(_area(panel), _area(other)):
                    yield Finding("grid", place, f"lies over `{other.get('title')}`")
        for panel in group:
            top = _area(panel)[1]
            seen = sum(top <= _area(other)[1] < top + SCREEN_HEIGHT for other in group)
            if seen > SCREEN_PANELS:
                place = f"{dashboard.uid} · {panel.get('title')}"
                yield Finding("grid-density", place, f"from here a screen holds {seen} panels")
                break


def _size(panel: Mapping[str, Any], place: str) -> Iterator[Finding]:
    x, y, width, height = _area(panel)
    if min(x, y) < 0 or width < 1 or height < 1 or x + width > COLUMNS:
        yield Finding("grid", place, f"stands at {panel.get('gridPos')}, outside the {COLUMNS} columns")
    smallest = (
        (1, 1) if panel.get("type") in ("row", "text") else (3, 3) if panel.get("type") in _SMALL else (6, 5)
    )
    if width < smallest[0] or height < smallest[1]:
        yield Finding("grid", place, f"is {width} × {height}, too small to read; at least {smallest}")


def _area(panel: Mapping[str, Any]) -> tuple[int, int, int, int]:
    found = panel.get("gridPos", {})
    return found.get("x", -1), found.get("y", -1), found.get("w", 0), found.get("h", 0)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    beside = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
    below = one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
    return not beside and not below

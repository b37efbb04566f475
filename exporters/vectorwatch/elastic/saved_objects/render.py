"""Every declared object as Kibana imports it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from .board import Board, Placed
from .data_view import FORMATS, DataView
from .lens import REFERENCE, kql, to_lens
from .panel import Rows, Text
from .search import Search

SavedObject: TypeAlias = Mapping[str, Any]

_CORE = "8.8.0"
"""Version of what all kinds have in common; every later Kibana names it in what it exports."""
_VERSIONS = {"index-pattern": "8.0.0", "search": "10.5.0", "dashboard": "10.2.0"}
"""Of the schema that each kind keeps. `10.<n>.0` is Kibana's n-th model of a kind."""


def render_data_view(view: DataView) -> SavedObject:
    """Return a data view; one without any index yet is no error."""
    attributes = {
        "allowNoIndex": True,
        "fieldAttrs": "{}",
        "fieldFormatMap": _pack(FORMATS),
        "fields": "[]",
        "name": view.title,
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "timeFieldName": "@timestamp",
        "title": view.pattern,
        "typeMeta": "{}",
    }
    return _wrap("index-pattern", view.id, attributes, [])


def render_search(search: Search) -> SavedObject:
    """Return a saved search."""
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {"filter": [], "highlightAll": True, "indexRefName": name, "query": kql(search.query)}
    attributes = {
        "columns": list(search.columns),
        "description": search.question,
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _pack(source)},
        "sort": [list(search.order)],
        "timeRestore": False,
        "title": search.title,
    }
    return _wrap("search", search.id, attributes, [_refer("index-pattern", search.view.id, name)])


def render_board(board: Board) -> SavedObject:
    """Return a dashboard with all its charts in it."""
    source = {"filter": [], "query": kql("")}
    attributes = {
        "controlGroupInput": _render_filters(board),
        "description": board.about,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _pack(source)},
        "optionsJSON": _pack(
            {
                "hidePanelTitles": False,
                "syncColors": True,
                "syncCursor": True,
                "syncTooltips": False,
                "useMargins": True,
            }
        ),
        "panelsJSON": _pack([_render_panel(placed, board.view) for placed in board.place()]),
        "refreshInterval": {"pause": False, "value": board.refresh_seconds * 1000},
        "timeFrom": board.span,
        "timeRestore": True,
        "timeTo": "now",
        "title": board.title,
        "version": 1,
    }
    return _wrap("dashboard", board.id, attributes, [*_find_references(board)])


def _render_panel(placed: Placed, view: DataView) -> Mapping[str, Any]:
    panel = placed.panel
    grid = {"h": panel.height, "i": panel.id, "w": panel.width, "x": placed.x, "y": placed.y}
    common = {"gridData": grid, "panelIndex": panel.id, "title": panel.title}
    match panel:
        case Text():
            return {**common, "embeddableConfig": _render_text(panel), "type": "visualization"}
        case Rows():
            name = f"panel_{panel.id}"
            return {**common, "embeddableConfig": {}, "panelRefName": name, "type": "search"}
        case _:
            # A metric's title is that of its number: Lens shows it itself.
            hidden = to_lens(panel, view)["visualizationType"] == "lnsMetric"
            config = {"attributes": to_lens(panel, view), "enhancements": {}, "hidePanelTitles": hidden}
            return {**common, "embeddableConfig": config, "type": "lens"}


def _render_text(text: Text) -> Mapping[str, Any]:
    markdown = {
        "data": {"aggs": [], "searchSource": {"filter": [], "query": kql("")}},
        "description": "",
        "params": {"fontSize": 12, "markdown": text.markdown, "openLinksInNewTab": False},
        "title": "",
        "type": "markdown",
        "uiState": {},
    }
    return {"enhancements": {}, "hidePanelTitles": True, "savedVis": markdown}


def _render_filters(board: Board) -> Mapping[str, Any]:
    lists = {
        _name_filter(place): {
            "explicitInput": {
                "dataViewId": board.view.id,
                "fieldName": chosen.field,
                "id": _name_filter(place),
                "searchTechnique": "prefix",
                "selectedOptions": [],
                "singleSelect": False,
                "sort": {"by": "_count", "direction": "desc"},
                "title": chosen.title,
            },
            "grow": False,
            "order": place,
            "type": "optionsListControl",
            "width": "medium",
        }
        for place, chosen in enumerate(board.filters)
    }
    heeded = {
        "ignoreFilters": False,
        "ignoreQuery": False,
        "ignoreTimerange": False,
        "ignoreValidations": False,
    }
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": _pack(heeded),
        "panelsJSON": _pack(lists),
        "showApplySelections": False,
    }


def _find_references(board: Board) -> Iterator[Mapping[str, str]]:
    """Yield what a dashboard needs: Kibana finds each by the name of the panel or filter that needs it."""
    for panel in board.panels:
        match panel:
            case Text():
                pass
            case Rows():
                yield _refer("search", panel.search.id, f"{panel.id}:panel_{panel.id}")
            case _:
                yield _refer("index-pattern", board.view.id, f"{panel.id}:{REFERENCE}")
    for place, _ in enumerate(board.filters):
        name = f"controlGroup_{_name_filter(place)}:optionsListDataView"
        yield _refer("index-pattern", board.view.id, name)


def _name_filter(place: int) -> str:
    return f"filter-{place}"


def _refer(kind: str, id: str, name: str) -> Mapping[str, str]:  # noqa: A002 - Kibana's name
    return {"id": id, "name": name, "type": kind}


def _wrap(
    kind: str,
    id: str,  # noqa: A002
    attributes: Mapping[str, Any],
    references: list[Mapping[str, str]],
) -> SavedObject:
    """Return a saved object. As a managed one Kibana offers to copy it and not to edit it."""
    return {
        "attributes": attributes,
        "coreMigrationVersion": _CORE,
        "id": id,
        "managed": True,
        "references": references,
        "type": kind,
        "typeMigrationVersion": _VERSIONS[kind],
    }


def _pack(value: object) -> str:
    """Return JSON as Kibana keeps it within JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

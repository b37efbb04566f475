"""A chart as Kibana's Lens keeps it: one layer that asks, and a visualization that shows its columns.

Attributes carry no version of Lens: each Kibana then leads them on from their first form by itself
(`x-pack/platform/plugins/shared/lens/common/content_management/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .column import TIMESTAMP, Column, Time, Top, Value
from .data_view import DataView
from .panel import GREEN, Asking, Chart, Metric, Table

LAYER = "layer"
REFERENCE = f"indexpattern-datasource-layer-{LAYER}"
"""By which name Lens finds the data view of its layer."""
_ROWS = 10
"""Of a table, a page."""


def kql(query: str) -> Mapping[str, str]:
    """Return a query as Kibana keeps it."""
    return {"language": "kuery", "query": query}


def to_lens(panel: Asking, view: DataView) -> Mapping[str, Any]:
    """Return the attributes of the panel's visualization."""
    kind, visualization = _visualize(panel)
    values = [column for column in panel.columns if isinstance(column, Value)]
    columns = {column.id: _ask(column, values[0].id) for column in panel.columns}
    layer = {"columnOrder": list(columns), "columns": columns, "incompleteColumns": {}}
    return {
        "references": [{"id": view.id, "name": REFERENCE, "type": "index-pattern"}],
        "state": {
            "adHocDataViews": {},
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "filters": [],
            "internalReferences": [],
            "query": kql(panel.query),
            "visualization": visualization,
        },
        "title": "",
        "type": "lens",
        "visualizationType": kind,
    }


def _ask(column: Column, ordered_by: str) -> Mapping[str, Any]:
    match column:
        case Time():
            return {
                "dataType": "date",
                "isBucketed": True,
                "label": TIMESTAMP,
                "operationType": "date_histogram",
                "params": {"dropPartials": False, "includeEmptyRows": True, "interval": "auto"},
                "scale": "interval",
                "sourceField": TIMESTAMP,
            }
        case Top():
            return {
                "customLabel": True,
                "dataType": column.kind,
                "isBucketed": True,
                "label": column.title,
                "operationType": "terms",
                "params": {
                    "exclude": [],
                    "excludeIsRegex": False,
                    "include": [],
                    "includeIsRegex": False,
                    "missingBucket": False,
                    "orderBy": {"columnId": ordered_by, "type": "column"},
                    "orderDirection": "desc",
                    "otherBucket": column.others,
                    "parentFormat": {"id": "terms"},
                    "size": column.size,
                },
                "scale": "ordinal",
                "sourceField": column.field,
            }
        case Value():
            return _ask_number(column)


def _ask_number(value: Value) -> Mapping[str, Any]:
    """Return a number; without documents a count is 0, and anything else is no number at all."""
    counts = value.operation in ("count", "unique_count")
    asked: dict[str, Any] = {
        "customLabel": True,
        "dataType": "number",
        "isBucketed": False,
        "label": value.title,
        "operationType": value.operation,
        "params": {"percentile": value.percent} if value.percent else {"emptyAsNull": not counts},
        "scale": "ratio",
        "sourceField": value.field or "___records___",
    }
    if value.where:
        asked["filter"] = kql(value.where)
    return asked


def _visualize(panel: Asking) -> tuple[str, Mapping[str, Any]]:
    layer = {"layerId": LAYER, "layerType": "data"}
    match panel:
        case Metric():
            palette = {"palette": _alarm(panel.alarm)} if panel.alarm else {}
            return "lnsMetric", {**layer, "metricAccessor": panel.value.id, **palette}
        case Chart():
            split = {"splitAccessor": panel.split.id} if panel.split else {}
            series = {
                **layer,
                **split,
                "accessors": [value.id for value in panel.values],
                "position": "top",
                "seriesType": panel.form,
                "showGridlines": False,
                "xAccessor": Time().id,
                "yConfig": [_draw(value) for value in panel.values],
            }
            return "lnsXY", {
                "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
                "fittingFunction": "None",
                "layers": [series],
                "legend": {"isVisible": True, "position": "right", "showSingleSeries": True},
                "preferredSeriesType": panel.form,
                "valueLabels": "hide",
            }
        case Table():
            shown = [{"columnId": column.id, "isTransposed": False} for column in panel.columns]
            return "lnsDatatable", {
                **layer,
                "columns": shown,
                "paging": {"enabled": True, "size": _ROWS},
                "sorting": {"columnId": panel.values[0].id, "direction": "desc"},
            }


def _alarm(colour: str) -> Mapping[str, Any]:
    """Return a palette of two bands: `stops` are where a band ends, `colorStops` where it begins."""
    return {
        "name": "custom",
        "params": {
            "colorStops": [{"color": GREEN, "stop": 0}, {"color": colour, "stop": 1}],
            "continuity": "above",
            "maxSteps": 5,
            "name": "custom",
            "progression": "fixed",
            "rangeMax": None,
            "rangeMin": 0,
            "rangeType": "number",
            "reverse": False,
            "steps": 2,
            "stops": [{"color": GREEN, "stop": 1}, {"color": colour, "stop": 2}],
        },
        "type": "palette",
    }


def _draw(value: Value) -> Mapping[str, str]:
    colour = {"color": value.colour} if value.colour else {}
    return {"axisMode": "left", "forAccessor": value.id, **colour}

"""How each kind of panel looks, whatever it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    gauge,
    heatmap,
    logs,
    stat,
    statetimeline,
    table,
    timeseries,
    xychart,
)
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import xychart as xychart_models

from .panel import Panel


def _timeseries(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(True)
            .display_mode(
                common.LegendDisplayMode.TABLE if panel.width > 8 else common.LegendDisplayMode.LIST
            )
            .placement(common.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"] if panel.width > 8 else [])
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
        .line_width(1)
        .fill_opacity(40 if panel.stacked else 8)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(90_000)  # milliseconds: one missed scrape does not tear a line, an outage does
    )
    if panel.searches:  # how many in an interval: no line leads from one to the next
        built.draw_style(common.GraphDrawStyle.BARS)
    if panel.stacked:
        built.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if panel.logarithmic:
        built.scale_distribution(
            common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
        )
    if panel.limits is not None:
        built.thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return built


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _stat(panel: Panel) -> stat.Panel:
    coloured = panel.limits is not None or panel.states is not None or panel.any_is_bad
    return (
        stat.Panel()
        .reduce_options(_last())
        .graph_mode(common.BigValueGraphMode.NONE if panel.states else common.BigValueGraphMode.AREA)
        .color_mode(common.BigValueColorMode.BACKGROUND if coloured else common.BigValueColorMode.VALUE)
        .justify_mode(common.BigValueJustifyMode.AUTO)
        .text_mode(common.BigValueTextMode.AUTO)
    )


def _gauge(_panel: Panel) -> gauge.Panel:
    return gauge.Panel().reduce_options(_last()).show_threshold_markers(True)


def _bars(_panel: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .reduce_options(_last())
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
    )


def _states(_panel: Panel) -> statetimeline.Panel:
    return (
        statetimeline.Panel()
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(False)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs([])
        )
    )


def _heatmap(panel: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .calculate(False)  # Prometheus' own buckets
        .cell_gap(1)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Spectral")
            .steps(64)
            .reverse(True)
            .exponent(0.5)
            .fill("dark-orange")
        )
        .y_axis(heatmap.YAxisConfig().unit(panel.unit).axis_placement(common.AxisPlacement.LEFT))
        .tooltip(heatmap.HeatmapTooltip().mode(common.TooltipDisplayMode.SINGLE).y_histogram(True))
        .filter_values(heatmap.FilterValueRange().le(1e-9))  # empty buckets stay empty
    )


def _table(panel: Panel) -> table.Panel:
    built = table.Panel().show_header(True).cell_height(common.TableCellHeight.SM)
    if panel.sort_by:
        built.sort_by([common_builders.TableSortByFieldState().display_name(panel.sort_by).desc(True)])
    return built


def _scatter(_panel: Panel) -> xychart.Panel:
    return (
        xychart.Panel()
        .mapping(xychart_models.SeriesMapping.AUTO)  # the first column of numbers is x
        .show(xychart_models.XYShowMode.POINTS)
        .point_size(xychart.XychartFieldConfigPointSize().fixed(9))
        .series([])
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(False)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE))
    )


def _logs(_panel: Panel) -> logs.Panel:
    return (
        logs.Panel()
        .show_time(True)
        .enable_log_details(True)
        .wrap_log_message(True)
        .prettify_log_message(False)
        .show_labels(False)
        .show_common_labels(False)
        .show_log_context_toggle(True)
        .dedup_strategy(common.LogsDedupStrategy.NONE)
        .sort_order(common.LogsSortOrder.DESCENDING)
    )


LOOKS: Mapping[str, Any] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _gauge,
    "bars": _bars,
    "states": _states,
    "heatmap": _heatmap,
    "table": _table,
    "scatter": _scatter,
    "logs": _logs,
}
"""By kind of panel."""

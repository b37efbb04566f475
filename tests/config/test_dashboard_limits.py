"""A limit is drawn on what its alert looks at: the same metric, and the same percentile of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.promql import Parse, name_of, selectors
from tests.dashboards.queries import built_ins, substitute
from vectorwatch.dashboards.board import Board, job_and_instance, row
from vectorwatch.dashboards.boards import read_boards
from vectorwatch.dashboards.panel import SECONDS, Column, Limits, Panel, Query, query, table, timeseries
from vectorwatch.rules.thresholds import read_thresholds

Sources = Mapping[str, Sequence[str]]


def expand(expr: str, recordings: Sources, parse: Parse) -> Iterator[str]:
    """Yield an expression and those of all that it takes from recordings."""
    waiting: list[str] = [expr]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        yield one
        for name in {name_of(selector) for selector in selectors(parse(one))} - seen:
            seen.add(name)
            waiting += recordings.get(name, ())


def measured(exprs: Sequence[str], recordings: Sources, parse: Parse) -> tuple[set[str], set[float]]:
    """Return the metrics that expressions come from in the end, and the percentiles that they take."""
    everything = [text for expr in exprs for text in expand(expr, recordings, parse)]
    names = {name_of(selector) for text in everything for selector in selectors(parse(text))}
    quantiles = {float(one) for text in everything for one in re.findall(r"_quantile\(\s*([\d.]+)", text)}
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names - recordings.keys()}, quantiles


def list_limits(panel: Panel) -> Iterator[tuple[Limits, Sequence[Query]]]:
    """Yield each limits of a panel with the queries that they are drawn on."""
    if panel.limits:
        yield panel.limits, panel.queries
    for column in panel.columns:
        if column.limits:
            letter = column.field.removeprefix("Value").removeprefix(" #") or "A"
            yield column.limits, [panel.queries[ord(letter) - ord("A")]]


def find_wrong_limits(
    boards: Sequence[Board], alert_of: Mapping[str, str], rules: Sequence[Any], parse: Parse
) -> Iterator[str]:
    recordings: dict[str, list[str]] = {}
    for rule in rules:
        if not rule.is_alert:
            recordings.setdefault(rule.name, []).append(rule.expr)
    for board in boards:
        given = {**built_ins(), **{variable.name: ".+" for variable in board.variables}}
        for panel in board.panels:
            for limits, queries in list_limits(panel):
                exprs = [substitute(one.expr, given) for one in queries]
                names, quantiles = measured(exprs, recordings, parse)
                for limit in filter(None, (limits.warning, limits.critical)):
                    asked = [
                        rule.expr
                        for rule in rules
                        if rule.name == alert_of[limit] and f"threshold: {limit}" in rule.expr
                    ]
                    wanted, percentiles = measured(asked, recordings, parse)
                    place = f"{board.uid} · {panel.title}: `{limit}`"
                    if not wanted & names:
                        yield f"{place} is not about {sorted(names)}"
                    elif percentiles and not percentiles & quantiles:
                        yield f"{place} is of the percentile {sorted(percentiles)}, not {sorted(quantiles)}"


@pytest.fixture(scope="module")
def alert_of(repository: Path) -> Mapping[str, str]:
    thresholds = read_thresholds(repository / "prometheus" / "thresholds.yml")
    return {name: threshold.alert for name, threshold in thresholds.items()}


def test_limits_are_drawn_on_what_their_alerts_look_at(
    alert_of: Mapping[str, str], rules: list[Any], parse_promql: Parse
) -> None:
    wrong = list(find_wrong_limits(read_boards(), alert_of, rules, parse_promql))
    if wrong:
        pytest.fail("\n".join([f"{len(wrong)} limits", *wrong]), pytrace=False)


@pytest.mark.parametrize(
    ("expr", "limit", "said"),
    [
        ("max(response_time_p95)", "http_latency_p95_seconds", None),
        (
            "histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[$__rate_interval]))",
            "http_latency_p99_seconds",
            "of the percentile [0.99], not [0.95]",
        ),
        (
            "rate(http_request_duration_seconds_sum[1h]) / rate(http_request_duration_seconds_count[1h])",
            "http_latency_p95_seconds",
            "of the percentile [0.95], not []",
        ),
        (
            'histogram_quantile(0.95, rate(traces_span_metrics_duration_milliseconds_bucket{a=~"$job"}[1h]))',
            "http_latency_p95_seconds",
            "not about ['traces_span_metrics_duration_milliseconds']",
        ),
    ],
)
@pytest.mark.parametrize("in_table", [False, True])
def test_a_limit_on_something_else_is_found(
    expr: str,
    limit: str,
    said: str | None,
    in_table: bool,
    alert_of: Mapping[str, str],
    rules: list[Any],
    parse_promql: Parse,
) -> None:
    limits = Limits(warning=limit)
    one = (
        table("A", "", query("up"), query(expr), columns=(Column("Value #B", "B", SECONDS, limits),))
        if in_table
        else timeseries("A", "", SECONDS, query(expr), limits=limits)
    )
    board = Board("a", "Search", "A", "", (row("A", one),), job_and_instance("up"), ())
    wrong = list(find_wrong_limits([board], alert_of, rules, parse_promql))
    assert len(wrong) == bool(said)
    assert (said or "") in "".join(wrong)

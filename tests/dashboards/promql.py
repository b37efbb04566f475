"""What the queries of dashboards ask, judged by the trees of Prometheus' own parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .finding import Finding
from .queries import Dashboard, Query, list_variables

Tree = Any
Parse = Callable[[str], Tree]
"""Return the tree of an expression; raise ValueError with the parser's words."""

# Times that nobody writes, so that the tree still tells which of Grafana's variables stood there.
RATE_INTERVAL_SECONDS = 61
RANGE_SECONDS = 21_601
MARKS = {
    "__rate_interval": f"{RATE_INTERVAL_SECONDS}s",
    "__interval": "31s",
    "__range": f"{RANGE_SECONDS}s",
    "__range_s": str(RANGE_SECONDS),
}
_LONG_SECONDS = 3600
"""From here on a fixed window is meant: so many in an hour, in a day."""
_COUNTER = re.compile(
    r".+_(total|bucket|count|sum)|node_(vmstat|netstat)_.+"
    r"|elasticsearch_(breakers_tripped|indices_search_query_time_seconds)"
)
_GAUGES = {"collections_vector_total"}
"""Of Qdrant: as many as there are now, whatever the name says."""
_RATES = {"rate", "increase", "irate"}
_OF_COUNTERS = {*_RATES, "resets", "changes", "absent", "absent_over_time", "timestamp", "present_over_time"}
_SYNTHETIC = {"ALERTS", "ALERTS_FOR_STATE"}


def mark_variables(dashboard: Dashboard) -> dict[str, str]:
    """Return substitutions after which the tree tells which variable stood where."""
    names = [one["name"] for one in dashboard.variables if one.get("type") != "datasource"]
    return {**MARKS, **{name: _mark(name) for name in names}}


def _mark(variable: str) -> str:
    return f"<{variable}>.+"


def selectors(tree: Tree) -> Iterator[Mapping[str, Any]]:
    """Yield every selector of an expression."""
    for node, _ in walk(tree):
        if node.get("type") in ("vectorSelector", "matrixSelector"):
            yield node


def walk(
    tree: Tree, above: tuple[Mapping[str, Any], ...] = ()
) -> Iterator[tuple[Mapping[str, Any], tuple[Any, ...]]]:
    """Yield every node of a tree with the nodes above it, the outermost first."""
    if isinstance(tree, dict):
        if "type" in tree and tree["type"] not in ("=", "!=", "=~", "!~"):
            yield tree, above
            above = (*above, tree)
        for key, value in tree.items():
            if key != "matchers":
                yield from walk(value, above)
    elif isinstance(tree, list):
        for value in tree:
            yield from walk(value, above)


def name_of(selector: Mapping[str, Any]) -> str:
    """Return the metric that a selector asks for; a pattern where it asks for several; else nothing."""
    return next((str(one["value"]) for one in selector["matchers"] if one["name"] == "__name__"), "")


def check_queries(
    dashboards: Sequence[Dashboard],
    parse: Parse,
    recorded: set[str],
    labels_of: Mapping[str, set[str]],
) -> Iterator[Finding]:
    """Find mistakes in queries.

    `recorded` are the names of recording rules, `labels_of` the labels of the metrics whose code is ours.
    """
    for dashboard in dashboards:
        names = {one["name"] for one in dashboard.variables} - {"datasource"}
        for query in dashboard.queries(mark_variables(dashboard)):
            yield from _check_text(query, names)
            if not query.expr and query.label:
                continue
            try:
                tree = parse(query.expr)
            except ValueError as error:
                rule = "target-promql-rule" if query.kind == "panel" else "template-label-promql-rule"
                yield Finding(rule, str(query), f"{error}: {query.expr}")
                continue
            yield from _check_rates(query, tree, recorded)
            yield from _check_names(query, tree, recorded, labels_of)
            if query.kind == "panel":
                yield from _check_filters(query, tree, names, recorded, labels_of)


def _check_text(query: Query, names: set[str]) -> Iterator[Finding]:
    left = {name for name in list_variables(query.expr) if not name.isdecimal()}  # `$1` is of label_replace()
    for name in sorted(left):
        yield Finding("target-promql-rule", str(query), f"`${name}` is left in it: {query.expr}")
    for found in re.finditer(r"""(\w+)\s*(=|!=)\s*["']([^"']*)["']""", query.raw):
        for name in sorted(list_variables(found[3]) & names):
            yield Finding(
                "variable-pattern", str(query), f"`${name}` needs `=~`: All is `.+`, several are `a|b`"
            )


def _check_rates(query: Query, tree: Tree, recorded: set[str]) -> Iterator[Finding]:
    for node, above in walk(tree):
        calls = [one["func"]["name"] for one in above if one.get("type") == "call"]
        is_rated = bool(set(calls[-1:]) & _RATES)
        if node["type"] == "matrixSelector" and is_rated:
            seconds = node["range"] / 1000
            if seconds not in (RATE_INTERVAL_SECONDS, RANGE_SECONDS) and seconds < _LONG_SECONDS:
                said = f"{calls[-1]}() over {seconds:g} s; use $__rate_interval, or an hour and more"
                yield Finding("target-rate-interval-rule", str(query), said)
        if node["type"] not in ("vectorSelector", "matrixSelector"):
            continue
        name = name_of(node)
        grows = (
            re.fullmatch(r".+_(total|bucket)", name)
            and name not in recorded | _GAUGES
            and query.kind != "variable"
        )
        if grows and not set(calls) & _OF_COUNTERS and not _asks_whether_there(node, above):
            said = f"`{name}` only ever grows; ask for its rate() or increase()"
            yield Finding("target-counter-agg-rule", str(query), said)
        if node["type"] == "matrixSelector" and is_rated and not _COUNTER.fullmatch(name):
            yield Finding("rate-of-counter", str(query), f"{calls[-1]}() of `{name}`, which is no counter")


def _asks_whether_there(node: Mapping[str, Any], above: Sequence[Any]) -> bool:
    """Tell whether only the presence of a series matters, not its value."""
    inner = (*above[1:], node)
    for outer, next_inner in zip(above, inner, strict=True):
        if outer.get("op") in ("count", "group"):
            return True
        if outer.get("op") in ("and", "unless") and outer.get("rhs") is next_inner:
            return True
        if outer.get("op") == "*" and "0" in (outer["lhs"].get("val"), outer["rhs"].get("val")):
            return True
    return False


def _check_names(
    query: Query, tree: Tree, recorded: set[str], labels_of: Mapping[str, set[str]]
) -> Iterator[Finding]:
    for selector in selectors(tree):
        name = name_of(selector)
        if not name and query.kind == "panel":
            yield Finding("metric-named", str(query), "a selector asks for no metric by name")
        if ":" in name and name not in recorded:
            yield Finding("metric-recorded", str(query), f"no rule records `{name}`")
        if name in labels_of:
            asked = {one["name"] for one in selector["matchers"]} - {"__name__", "job", "instance"}
            for label in sorted(asked - labels_of[name]):
                yield Finding("label-known", str(query), f"`{name}` has no label `{label}`")


def _check_filters(
    query: Query, tree: Tree, names: set[str], recorded: set[str], labels_of: Mapping[str, set[str]]
) -> Iterator[Finding]:
    for selector in selectors(tree):
        name = name_of(selector)
        if name in recorded or name in _SYNTHETIC:
            continue  # which labels they have only the live test sees
        for variable in list_unfiltered(selector, names & {"job", "instance", *labels_of.get(name, ())}):
            said = f'`{name}` is not filtered by {variable}=~"${variable}"'
            rule = f"target-{variable}-rule" if variable in ("job", "instance") else "target-variable-rule"
            yield Finding(rule, str(query), said)


def list_unfiltered(selector: Mapping[str, Any], variables: set[str]) -> list[str]:
    """Return the variables that a selector ought to be filtered by (see `mark_variables`) and is not."""
    given = {one["name"]: str(one["value"]) for one in selector["matchers"]}
    fixed = set(given) - {"instance"}  # `severity="critical"` says what the panel is about
    return sorted(name for name in variables - fixed if _mark(name) not in given.get(name, ""))


def check_repetition(dashboards: Sequence[Dashboard]) -> Iterator[Finding]:
    """Find questions that two panels ask, in one dashboard or in two."""
    first: dict[str, Query] = {}
    for dashboard in dashboards:
        for query in dashboard.queries({}):
            if query.kind != "panel":
                continue
            asked = re.sub(r"\s+", "", query.raw)
            other = first.setdefault(asked, query)
            if other is not query:
                yield Finding("query-repeated", f"{other} = {query}", query.raw)

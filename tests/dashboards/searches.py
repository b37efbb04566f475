"""What panels ask of Elasticsearch: found, filled in, and judged by the mapping of the log documents.

The form is that of @grafana/schema (raw/composable/elasticsearch/dataquery).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .finding import Finding
from .queries import Dashboard, substitute

SOURCE = {"type": "elasticsearch", "uid": "elasticsearch"}
TIME_FIELD = "@timestamp"
DOCUMENTS = {"logs": "limit", "raw_data": "size"}
"""Kinds of metric that give documents, and the setting that says how many."""
_FIGURES = {"count", "max", "percentiles"}
_OBJECTS = "flattened"
_COUNTED = {"boolean", "constant_keyword", "date", "float", "ip", "keyword", "long"}
"""Types whose values Elasticsearch keeps in columns, so that it can group by them and compute."""
_FORMATS = {"regex", "raw"}
_BARE_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}")
_NO_FIELDS = re.compile(r'"[^"]*"|/[^/]*/|\$\{\w+:\w+\}')
_PLACEHOLDER = re.compile(r"{{(.+?)}}")
_FIELD = re.compile(r"(?<![\w.])(@?[a-z][\w.]*):|_exists_:([\w.@]+)")

Fields = Mapping[str, str]
"""The type of each field of the mapping, by its name with dots."""


@dataclass(frozen=True)
class Search:
    """One question to Elasticsearch after substitution."""

    dashboard: str
    title: str
    lucene: str
    target: Mapping[str, Any]
    panel: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard} · {self.title} · {self.target.get('refId')}"

    @property
    def metrics(self) -> Sequence[Mapping[str, Any]]:
        return list(self.target.get("metrics") or [])

    @property
    def buckets(self) -> Sequence[Mapping[str, Any]]:
        return list(self.target.get("bucketAggs") or [])

    @property
    def columns(self) -> list[str]:
        """The columns that a table keeps."""
        return [
            name
            for step in self.panel.get("transformations", [])
            if step["id"] == "filterFieldsByName"
            for name in step["options"]["include"].get("names", [])
        ]


def list_searches(dashboard: Dashboard, substitutions: Mapping[str, str]) -> Iterator[Search]:
    """Yield what the panels of a dashboard ask of Elasticsearch; `substitutions` go before defaults."""
    values = dashboard.values(substitutions)
    for panel in dashboard.panels:
        for target in panel.get("targets", []):
            if _is_elastic(panel) or _is_elastic(target):
                lucene = substitute(str(target.get("query", "")), values)
                yield Search(dashboard.uid, str(panel.get("title")), lucene, target, panel)


def _is_elastic(one: Mapping[str, Any]) -> bool:
    source = one.get("datasource")
    return isinstance(source, Mapping) and SOURCE["uid"] in (source.get("type"), source.get("uid"))


def type_of(name: str, fields: Fields) -> str:
    """Return the type of a field, also of one inside a flattened object; nothing for an unknown one."""
    if name in fields:
        return fields[name]
    parents = (name.rpartition(".")[0], name.partition(".")[0])
    return "keyword" if any(fields.get(parent) == _OBJECTS for parent in parents) else ""


def list_fields(lucene: str) -> set[str]:
    """Return the fields that a query in Lucene's words names."""
    return {first or second for first, second in _FIELD.findall(_NO_FIELDS.sub(" ", lucene))} - {"_exists_"}


def check_searches(dashboards: Sequence[Dashboard], fields: Fields) -> Iterator[Finding]:
    """Find questions that Elasticsearch would refuse, or answer with nothing whatever there is."""
    for dashboard in dashboards:
        queried = {one["name"] for one in dashboard.variables if one.get("type") == "query"}
        for search in list_searches(dashboard, {}):
            place = str(search)
            yield from _check_text(search, place, queried, fields)
            yield from _check_shape(search, place, fields)
            yield from _check_columns(search, place, fields)


def _check_text(search: Search, place: str, queried: set[str], fields: Fields) -> Iterator[Finding]:
    if search.target.get("datasource") != SOURCE or search.panel.get("datasource") != SOURCE:
        yield Finding("search-datasource", place, f"panel and target must both ask {SOURCE}")
    if not search.lucene.strip():
        yield Finding("search-query", place, "asks for every document; say of which dataset or service")
    if search.target.get("timeField") != TIME_FIELD:
        yield Finding("search-time-field", place, f"`timeField` is not `{TIME_FIELD}`")
    for bare, name, form in _BARE_VARIABLE.findall(str(search.target.get("query", ""))):
        if (bare or name) in queried and form not in _FORMATS:
            said = f"`${bare or name}` needs `:regex` between slashes: All is `.+`, several are `a|b`"
            yield Finding("search-variable", place, said)
    for name in sorted(list_fields(search.lucene)):
        if not type_of(name, fields):
            yield Finding("search-field", place, f"documents have no field `{name}`")


def _check_shape(search: Search, place: str, fields: Fields) -> Iterator[Finding]:
    kinds = [str(one.get("type")) for one in search.metrics]
    ids = [one.get("id") for one in (*search.metrics, *search.buckets)]
    if not kinds or len(set(ids)) < len(ids) or not all(str(one).isdecimal() for one in ids):
        yield Finding("search-shape", place, f"needs metrics, and a number of its own for each part: {ids}")
    if (search.panel.get("type") == "logs") != (kinds == ["logs"]):
        yield Finding("search-shape", place, f"a panel of logs asks for `logs` alone, no other does: {kinds}")
    if kinds and kinds[0] in DOCUMENTS:
        most = search.metrics[0].get("settings", {}).get(DOCUMENTS[kinds[0]], "")
        if len(kinds) > 1 or search.buckets or not str(most).isdecimal():
            yield Finding("search-shape", place, "documents have no buckets, and a number of at most so many")
        return
    if not set(kinds) <= _FIGURES:
        yield Finding("search-shape", place, f"asks for {sorted(set(kinds) - _FIGURES)}, not {_FIGURES}")
    grouped = {str(one.get("field")) for one in search.buckets if one.get("type") == "terms"}
    for name in sorted(set(_PLACEHOLDER.findall(str(search.target.get("alias", "")))) - grouped):
        yield Finding("search-alias", place, f"nothing is grouped by `{name}`")
    over_time = [number for number, one in enumerate(search.buckets) if one.get("type") == "date_histogram"]
    if not search.buckets or over_time != [len(search.buckets) - 1] * (search.panel["type"] == "timeseries"):
        said = "a course ends with the buckets of time, and nothing else has any"
        yield Finding("search-shape", place, said)
    for one in (*search.metrics, *search.buckets):
        yield from _check_part(one, place, set(map(str, ids)), fields)


def _check_part(one: Mapping[str, Any], place: str, ids: set[str], fields: Fields) -> Iterator[Finding]:
    name = str(one.get("field", ""))
    if one.get("type") != "count" and type_of(name, fields) not in _COUNTED:
        said = f"`{name}` is {type_of(name, fields) or 'no field'}: there is nothing to group or compute"
        yield Finding("search-field", place, said)
    if one.get("type") == "terms":
        settings = one.get("settings", {})
        if settings.get("orderBy") not in {"_count", "_key", *ids} or settings.get("order") != "desc":
            yield Finding("search-shape", place, "terms are ordered by nothing; give the largest first")
        if not str(settings.get("size", "")).isdecimal():
            yield Finding("search-shape", place, "terms have no `size`")


def _check_columns(search: Search, place: str, fields: Fields) -> Iterator[Finding]:
    if search.panel.get("type") != "table":
        return
    if search.metrics and search.metrics[0].get("type") == "raw_data":
        wrong = [one for one in search.columns if not type_of(one, fields)]
    else:
        given = {str(one.get("field")) for one in search.buckets} | set(name_figures(search.metrics))
        wrong = [one for one in search.columns if one not in given]
    for one in wrong:
        yield Finding("search-column", place, f"there is no column `{one}`")


def name_figures(metrics: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the names of the columns of figures (`processAggregationDocs` in response_parser.go)."""
    kinds = [one.get("type") for one in metrics]
    for one in metrics:
        kind, name = one.get("type"), one.get("field")
        if kind == "percentiles":
            for percent in one.get("settings", {}).get("percents", []):
                yield f"p{float(percent)} {name}"
        elif kind == "count":
            yield "Count"
        else:
            title = str(kind).title()
            yield f"{title} {name}" if kinds.count(kind) > 1 else title

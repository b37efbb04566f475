"""A search of a panel as Grafana's Elasticsearch data source sends it, and what it makes of the answer.

Written anew after Grafana's source (pkg/tsdb/elasticsearch), for the metrics and buckets that our panels use:
the request is that of `data_query.go` and `client/search_request.go`, the rows those of `response_parser.go`.
Grafana itself is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .searches import DOCUMENTS, TIME_FIELD, Search, name_figures

Row = Mapping[str, Any]
_NEWEST_FIRST = {TIME_FIELD: {"order": "desc", "unmapped_type": "boolean"}}


def to_request(search: Search, start_ms: int, end_ms: int, interval_ms: int) -> dict[str, Any]:
    """Return the body of `_search` for a span of time, with a point every `interval_ms`."""
    span = {"gte": start_ms, "lte": end_ms, "format": "epoch_millis"}
    words = {"query_string": {"analyze_wildcard": True, "query": search.lucene}}
    body: dict[str, Any] = {
        "size": 0,
        "query": {"bool": {"filter": [{"range": {TIME_FIELD: span}}, words]}},
    }
    kind = str(search.metrics[0]["type"])
    if kind in DOCUMENTS:
        body["size"] = int(search.metrics[0]["settings"][DOCUMENTS[kind]])
        body["sort"] = [_NEWEST_FIRST, {"_doc": {"order": "desc"}}]
        body["docvalue_fields"] = [TIME_FIELD]
        if kind == "logs":
            body["highlight"] = {"fields": {"*": {}}, "fragment_size": 2**31 - 1}
        return body
    return body | {"aggs": _group(search, search.buckets, span, interval_ms)}


def _group(
    search: Search, buckets: Sequence[Mapping[str, Any]], span: Mapping[str, Any], interval_ms: int
) -> dict[str, Any]:
    if not buckets:
        return {
            str(one["id"]): {one["type"]: {"field": one["field"], **one.get("settings", {})}}
            for one in search.metrics
            if one["type"] != "count"
        }
    first, inner = buckets[0], _group(search, buckets[1:], span, interval_ms)
    settings = first["settings"]
    if first["type"] == "date_histogram":
        how = {
            "field": first["field"],
            "fixed_interval": f"{interval_ms}ms",
            "min_doc_count": int(settings["min_doc_count"]),
            "extended_bounds": {"min": span["gte"], "max": span["lte"]},
            "format": "epoch_millis",
        }
    else:
        order = settings["orderBy"]
        how = {"field": first["field"], "size": int(settings["size"]), "order": {order: settings["order"]}}
        for one in search.metrics:
            if one["id"] == order:
                inner = {**inner, order: {one["type"]: {"field": one["field"]}}}
    return {str(first["id"]): {first["type"]: how, **({"aggs": inner} if inner else {})}}


def read_rows(search: Search, answer: Mapping[str, Any]) -> list[Row]:
    """Return the rows that a panel shows: documents with their fields, or groups with their figures."""
    if search.metrics[0]["type"] in DOCUMENTS:
        return [dict(_flatten(hit["_source"])) for hit in answer["hits"]["hits"]]
    return list(_read_groups(search, search.buckets, answer["aggregations"], {}))


def _read_groups(
    search: Search, buckets: Sequence[Mapping[str, Any]], found: Mapping[str, Any], above: Row
) -> Iterator[Row]:
    first = buckets[0]
    for bucket in found[str(first["id"])]["buckets"]:
        row = {**above, first["field"]: bucket["key"]}
        if buckets[1:]:
            yield from _read_groups(search, buckets[1:], bucket, row)
        else:
            yield row | dict(zip(name_figures(search.metrics), _read_figures(search, bucket), strict=True))


def _read_figures(search: Search, bucket: Mapping[str, Any]) -> Iterator[Any]:
    for one in search.metrics:
        if one["type"] == "count":
            yield bucket["doc_count"]
        elif one["type"] == "percentiles":
            yield from bucket[one["id"]]["values"].values()
        else:
            yield bucket[one["id"]]["value"]


def _flatten(source: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in source.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{above}{name}.")
        else:
            yield above + name, value

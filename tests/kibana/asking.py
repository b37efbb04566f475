"""What Kibana would ask Elasticsearch for a panel: buckets within buckets, in the order of the columns.

After `toEsAggsFn` of Lens (elastic/kibana, `lens/public/datasources/form_based/operations/definitions/`), as
far as our panels go. With it another server can be asked what a panel would show; what Kibana itself asks may
differ in ways that do not matter to whether there is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kql import parse, to_query
from .objects import Lens

Body = Mapping[str, Any]


def ask(lens: Lens) -> Body:
    """Return the body of the search."""
    aggregations: dict[str, Body] = {
        name: number for name in lens.order if (number := _measure(lens.columns[name])) is not None
    }
    for name in reversed(lens.order):
        if lens.columns[name]["isBucketed"]:
            # What buckets are ordered by is asked for at their own level, too, as Kibana does.
            ranks = _rank(lens, name)
            aggregations = {name: {**_bucket(lens, name), "aggs": {**ranks, **aggregations}}}
    return {"size": 0, "query": to_query(parse(lens.query)), "aggs": aggregations, "track_total_hits": True}


def find_empty(lens: Lens, answer: Body) -> list[str]:
    """Return the columns that have no bucket, and the numbers that have no value in any of them."""
    shown: set[str] = set()
    total = answer["hits"]["total"]["value"]
    _collect(lens, list(lens.order), {**answer.get("aggregations", {}), "doc_count": total}, shown)
    return [name for name in lens.order if name not in shown]


def _collect(lens: Lens, names: list[str], bucket: Body, shown: set[str]) -> None:
    if not names:
        return
    name, rest = names[0], names[1:]
    column = lens.columns[name]
    if column["isBucketed"]:
        for inner in bucket[name]["buckets"]:
            shown.add(name)
            _collect(lens, rest, inner, shown)
        return
    if column["operationType"] == "count":
        value = bucket[name]["doc_count"] if "filter" in column else bucket["doc_count"]
    elif column["operationType"] == "percentile":
        (value,) = bucket[name]["values"].values()
    else:
        value = bucket[name]["value"]
    if value:
        shown.add(name)
    _collect(lens, rest, bucket, shown)


def _bucket(lens: Lens, name: str) -> Body:
    column = lens.columns[name]
    field = column["sourceField"]
    if column["operationType"] == "date_histogram":
        return {"date_histogram": {"field": field, "fixed_interval": "1m", "min_doc_count": 1}}
    ordered_by = column["params"]["orderBy"]["columnId"]
    ranking = lens.columns[ordered_by]
    path = ordered_by if _measure(ranking) else "_count"
    if ranking["operationType"] == "percentile":
        path += f".{ranking['params']['percentile']}"
    return {"terms": {"field": field, "size": column["params"]["size"], "order": {path: "desc"}}}


def _rank(lens: Lens, name: str) -> Mapping[str, Body]:
    """Return the number that a column's buckets are ordered by, unless that is how many there are."""
    order = lens.columns[name]["params"].get("orderBy")
    number = _measure(lens.columns[order["columnId"]]) if order else None
    return {order["columnId"]: number} if order and number else {}


def _measure(column: Body) -> Body | None:
    """Return the aggregation of a number; None for a bucket, and for how many documents one has."""
    if column["isBucketed"]:
        return None
    if column["operationType"] == "count":
        return {"filter": to_query(parse(column["filter"]["query"]))} if "filter" in column else None
    if column["operationType"] == "percentile":
        return {"percentiles": {"field": column["sourceField"], "percents": [column["params"]["percentile"]]}}
    kind = {"unique_count": "cardinality", "max": "max"}[column["operationType"]]
    return {kind: {"field": column["sourceField"]}}

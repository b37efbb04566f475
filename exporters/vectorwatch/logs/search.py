"""The search that counts events, and what its answer says; pure.

One search sees one state of the index, so that two windows of it fit together (`tally`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from vectorwatch.errors import Reason, TargetError

from .fields import list_at, number_at, object_at, text_at

LEVELS = frozenset({"trace", "debug", "info", "warning", "error", "critical"})
NONE = "none"
"""Label of documents whose field is absent or empty: Prometheus takes an empty label for none."""
OTHER = "other"
"""Label of what is beyond a limit, and of levels unknown to us."""

_MOST_DATASETS = 50
_MOST_LEVELS = 20
# More than `max_services` may be: a service that has a series stays in the answer when others are louder.
_MOST_SERVICES = 500
_NEWEST_DOCUMENTS = 100
_SERVER_SECONDS = 8
_DATE = {"format": "epoch_millis"}


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents of one window; each total also holds what the parts below it leave out."""

    total: int = 0
    datasets: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[tuple[str, str], int] = field(default_factory=dict)
    services: Mapping[tuple[str, str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """What one search found; times in Unix seconds."""

    window: Counts
    next_window: Counts
    newest: Mapping[str, float]
    delay_seconds: float | None


def search_path(data_streams: str) -> str:
    """Return the path of the search; half an answer would be counted as the whole, so none is allowed."""
    return (
        f"/{data_streams}/_search?ignore_unavailable=true&allow_no_indices=true"
        "&allow_partial_search_results=false"
    )


def search_body(since: float, next_since: float, look_back: float) -> dict[str, Any]:
    """Return the request that counts what was ingested from `since` and from `next_since` on.

    The newest document of each dataset is looked for from `look_back` on. All in Unix seconds.
    """
    by_service = {"terms": {"field": "service.name", "missing": NONE, "size": _MOST_SERVICES}}
    by_level = {
        "terms": {"field": "log.level", "missing": NONE, "size": _MOST_LEVELS},
        "aggs": {"services": by_service},
    }
    by_dataset = {
        "terms": {"field": "data_stream.dataset", "missing": NONE, "size": _MOST_DATASETS},
        "aggs": {"levels": by_level},
    }
    newest = {
        "terms": {"field": "data_stream.dataset", "missing": NONE, "size": _MOST_DATASETS},
        "aggs": {"at": {"max": {"field": "event.ingested"}}},
    }
    windows = {"window": {"filter": _from(since), "aggs": {"datasets": by_dataset}}}
    if next_since != since:  # the same count twice would take twice the time
        windows["next_window"] = {"filter": _from(next_since), "aggs": {"datasets": by_dataset}}
    return {
        "size": _NEWEST_DOCUMENTS,
        "track_total_hits": False,
        "timeout": f"{_SERVER_SECONDS}s",
        "_source": False,
        "docvalue_fields": [{"field": name, **_DATE} for name in ("@timestamp", "event.ingested")],
        "sort": [{"event.ingested": {"order": "desc", "unmapped_type": "date"}}],
        "query": _from(min(since, look_back)),
        "aggs": windows | {"newest": newest},
    }


def _from(seconds: float) -> dict[str, Any]:
    return {"range": {"event.ingested": {"gte": round(seconds * 1000), **_DATE}}}


def parse_findings(answer: Any) -> Findings:
    """Return what the answer says. Raises TargetError when it is not that of the whole search."""
    if "hits" not in object_at(answer):
        raise TargetError(Reason.DECODE, "no `hits` in the answer: is this Elasticsearch?")
    if answer.get("timed_out") is True:
        raise TargetError(Reason.TIMEOUT, f"the search took longer than {_SERVER_SECONDS} s")
    if number_at(answer, "_shards", "failed"):
        raise TargetError(Reason.PARTIAL, "a part of the indices could not be searched")
    found = object_at(answer, "aggregations")
    if not found and number_at(answer, "_shards", "total"):  # without an index there are none
        raise TargetError(Reason.DECODE, "no `aggregations` in the answer")
    window = _parse_counts(object_at(found, "window"))
    return Findings(
        window=window,
        next_window=_parse_counts(found["next_window"]) if "next_window" in found else window,
        newest=_parse_newest(object_at(found, "newest")),
        delay_seconds=_parse_delay(list_at(answer, "hits", "hits")),
    )


def _parse_counts(window: Any) -> Counts:
    datasets: dict[str, int] = {}
    levels: dict[tuple[str, str], int] = {}
    services: dict[tuple[str, str, str], int] = {}
    for dataset_bucket in list_at(window, "datasets", "buckets"):
        dataset = _key(dataset_bucket)
        datasets[dataset] = datasets.get(dataset, 0) + _count(dataset_bucket)
        for level_bucket in list_at(dataset_bucket, "levels", "buckets"):
            level = _key(level_bucket)
            level = level if level in LEVELS or level == NONE else OTHER
            levels[dataset, level] = levels.get((dataset, level), 0) + _count(level_bucket)
            for service_bucket in list_at(level_bucket, "services", "buckets"):
                key = (dataset, level, _key(service_bucket))
                services[key] = services.get(key, 0) + _count(service_bucket)
    return Counts(_count(window) if window else 0, datasets, levels, services)


def _parse_newest(newest: Any) -> dict[str, float]:
    times = {_key(bucket): number_at(bucket, "at", "value") for bucket in list_at(newest, "buckets")}
    return {dataset: at / 1000 for dataset, at in times.items() if at is not None}


def _parse_delay(hits: list[Any]) -> float | None:
    delays = []
    for hit in hits:
        ingested, happened = (list_at(hit, "fields", name) for name in ("event.ingested", "@timestamp"))
        if ingested and happened:
            delays.append((_milliseconds(ingested[0]) - _milliseconds(happened[0])) / 1000)
    return median(delays) if delays else None


def _milliseconds(value: Any) -> float:
    """Return a date of `docvalue_fields`: a text of digits, with decimals where the field has nanoseconds."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TargetError(Reason.DECODE, "a date is not in milliseconds") from None


def _key(bucket: Any) -> str:
    key = text_at(bucket, "key")
    if key is None:
        raise TargetError(Reason.DECODE, "a bucket has no `key`")
    return key or NONE


def _count(bucket: Any) -> int:
    count = number_at(bucket, "doc_count")
    if count is None:
        raise TargetError(Reason.DECODE, "a bucket has no `doc_count`")
    return int(count)

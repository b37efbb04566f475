"""The metrics: name, help and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from vectorwatch.serve.metric import Kind, Labels, Metric, Sink, Table

from .index import Bypass, Index
from .latency import BUCKETS_SECONDS
from .recall import Pooled
from .state import CollectionRecord, Setting, State, SubjectRecord, TargetState
from .subject import SubjectKey

_SUBJECT_LABELS = ("collection", "vector", "filter")
_SETTING_LABELS = ("ef", "k")
_SERIES_PER_HISTOGRAM = len(BUCKETS_SECONDS) + 3
_ON_SCHEDULE = "Measured on the probe's own schedule, not at scrape time."


@dataclass(frozen=True)
class Observed:
    """A subject whose measurements are recent, with the recall of its window."""

    record: SubjectRecord
    window: Mapping[Setting, Pooled]

    @property
    def exercised(self) -> bool:
        """Tell whether an approximation took place: an exact scan never misses anything."""
        return self.record.bypass is None or any(pooled.ratio < 1 for pooled in self.window.values())


@dataclass(frozen=True)
class Seen:
    """A collection whose state is recent."""

    name: str
    index: Index


TARGET: Table[TargetState] = Table(
    (
        Metric("hnsw_rounds_total", "Rounds that ended.", lambda state: state.rounds, kind=Kind.COUNTER),
        Metric(
            "hnsw_last_round_timestamp_seconds",
            f"Unix time at which the last round ended. {_ON_SCHEDULE}",
            lambda state: state.last_round_timestamp,
        ),
        Metric(
            "hnsw_errors_total",
            "Failed measurements by reason.",
            lambda state: {(trouble.value,): count for trouble, count in state.errors.items()},
            labels=("reason",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_discarded_queries_total",
            "Queries that gave no recall, because of a write between the searches or no exact result.",
            lambda state: {(discard.value,): count for discard, count in state.discarded.items()},
            labels=("reason",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_requests_total",
            "Requests to the server by purpose.",
            lambda state: {(mode.value,): count for mode, count in state.requests.items()},
            labels=("mode",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_engine_seconds_total",
            "Time the server says that it spent on the probe (`time` of its answers), by purpose.",
            lambda state: {(mode.value,): seconds for mode, seconds in state.engine_seconds.items()},
            labels=("mode",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_skipped_collections",
            "Collections left out because of `max_collections`.",
            lambda state: state.skipped_collections,
        ),
    )
)

COLLECTIONS: Table[Seen] = Table(
    (
        Metric(
            "hnsw_points",
            f"Points stored (`result.points_count`). {_ON_SCHEDULE}",
            lambda seen: seen.index.points,
        ),
        Metric(
            "hnsw_indexed_vectors",
            "Vectors in a graph, of every name together (`result.indexed_vectors_count`).",
            lambda seen: seen.index.indexed_vectors,
        ),
        Metric("hnsw_segments", "Segments (`result.segments_count`).", lambda seen: seen.index.segments),
        Metric(
            "hnsw_optimizing",
            "1 while the index is being rebuilt (`result.status` yellow, or many waiting updates).",
            lambda seen: int(seen.index.optimizing),
        ),
    ),
    labels=("collection",),
    key=lambda seen: (seen.name,),
)

SUBJECT_STATES: Table[tuple[SubjectKey, State]] = Table(
    (
        Metric(
            "hnsw_state",
            "1 for what the probe last did about this vector.",
            lambda item: {(state.value,): int(state is item[1]) for state in State},
            labels=("state",),
        ),
    ),
    labels=_SUBJECT_LABELS,
    key=lambda item: item[0],
)

SUBJECTS: Table[SubjectRecord] = Table(
    (
        Metric(
            "hnsw_recall_hits_total",
            "Results of searches through the graph that are no worse than the k-th exact result.",
            lambda record: _by_setting(record.hits),
            labels=_SETTING_LABELS,
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_recall_expected_total",
            "Results that searches through the graph should have found: k a query, or all there are.",
            lambda record: _by_setting(record.expected),
            labels=_SETTING_LABELS,
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_queries_total",
            "Queries compared, by whether their exact answer was fresh or kept from before.",
            lambda record: {(truth,): count for truth, count in record.queries.items()},
            labels=("truth",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "hnsw_recall_objective_ratio",
            "Recall to be reached (setting `objective_ratio`).",
            lambda record: record.subject.objective_ratio,
        ),
    ),
    labels=_SUBJECT_LABELS,
    key=lambda record: record.subject.key,
)

OBSERVED: Table[Observed] = Table(
    (
        Metric(
            "hnsw_recall_ratio",
            f"Recall of the newest queries (settings `window_*`), hits by expected. {_ON_SCHEDULE}",
            lambda observed: _by_setting({key: pooled.ratio for key, pooled in observed.window.items()}),
            labels=_SETTING_LABELS,
        ),
        Metric(
            "hnsw_recall_standard_error_ratio",
            "Standard error of `hnsw_recall_ratio`, from the spread between queries.",
            lambda observed: _by_setting(
                {
                    key: pooled.standard_error
                    for key, pooled in observed.window.items()
                    if pooled.standard_error is not None
                }
            ),
            labels=_SETTING_LABELS,
        ),
        Metric(
            "hnsw_recall_window_queries",
            "Different queries behind `hnsw_recall_ratio`.",
            lambda observed: max((pooled.queries for pooled in observed.window.values()), default=0),
        ),
        Metric(
            "hnsw_last_measurement_timestamp_seconds",
            "Unix time of the newest query.",
            lambda observed: observed.record.measured_timestamp,
        ),
        Metric(
            "hnsw_graph_exercised",
            "1 if searches walk the graph; 0 if they scan, so that their recall of 1 says nothing.",
            lambda observed: int(observed.exercised),
        ),
        Metric(
            "hnsw_graph_bypassed",
            "1 for the reason why searches would not walk the graph.",
            lambda observed: {(bypass.value,): int(bypass is observed.record.bypass) for bypass in Bypass},
            labels=("reason",),
        ),
    ),
    labels=_SUBJECT_LABELS,
    key=lambda observed: observed.record.subject.key,
)


def expose(state: TargetState, sink: Sink, *, stale_after_seconds: float, max_series: int) -> None:
    """Put everything about one target into `sink`; gauges only while they are recent."""
    collections = list(state.collections.values())
    subjects = [record for collection in collections for record in collection.subjects.values()]
    sink.add(TARGET, [state])
    sink.add(COLLECTIONS, _recent_indexes(collections, state.clock() - stale_after_seconds))
    sink.add(SUBJECT_STATES, (row for collection in collections for row in states_of(collection)))
    sink.add(SUBJECTS, subjects)
    sink.add(
        OBSERVED,
        (
            Observed(record, record.window.pooled())
            for record in subjects
            if not record.is_stale(stale_after_seconds)
        ),
    )
    sink.attach(_latency_registry(subjects, sink, max_series))


def states_of(collection: CollectionRecord) -> Iterator[tuple[SubjectKey, State]]:
    """Yield the state of each vector of a collection, or of the collection while its vectors are unknown."""
    whole = collection.state
    for key, record in collection.subjects.items():
        yield key, record.state if whole is State.MEASURED else whole
    for name in collection.index.skipped if collection.index else ():
        yield (collection.name, name, ""), State.UNSUPPORTED
    for name in collection.absent:
        yield (collection.name, name, ""), State.MISSING
    if not collection.subjects and whole is not State.MEASURED:
        yield (collection.name, "", ""), whole


def _recent_indexes(collections: Iterable[CollectionRecord], since: float) -> Iterator[Seen]:
    for collection in collections:
        if collection.index is not None and collection.index_at >= since:
            yield Seen(collection.name, collection.index)


def _by_setting(values: Mapping[Setting, float]) -> dict[Labels, float]:
    return {(str(ef), str(k)): value for (ef, k), value in values.items()}


class _Families(Collector):
    """Hands over families that were built beforehand: rendering may happen in a thread."""

    def __init__(self, *families: PrometheusMetric) -> None:
        self._families = families

    def collect(self) -> Iterable[PrometheusMetric]:
        return self._families


def _latency_registry(records: Iterable[SubjectRecord], sink: Sink, max_series: int) -> CollectorRegistry:
    family = HistogramMetricFamily(
        "hnsw_search_duration_seconds",
        "Time until the answer to a search was here, network included; "
        "`ef` is empty for mode=exact, which compares with every point.",
        labels=[*_SUBJECT_LABELS, "mode", *_SETTING_LABELS],
    )
    room = max_series - sink.series
    for record in records:
        for (mode, ef, k), latency in record.latencies.items():
            if room < _SERIES_PER_HISTOGRAM:
                sink.dropped += _SERIES_PER_HISTOGRAM
                continue
            room -= _SERIES_PER_HISTOGRAM
            labels = [*record.subject.key, mode.value, "" if ef is None else str(ef), str(k)]
            family.add_metric(labels, latency.cumulative(), latency.sum_seconds)
    registry = CollectorRegistry()
    registry.register(_Families(family))
    return registry

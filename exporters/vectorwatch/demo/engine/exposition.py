"""`/metrics` with the names, labels and types of Qdrant 1.19 (`src/common/metrics.rs`), without a prefix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vectorwatch.demo.engine import process
from vectorwatch.demo.engine.census import Census, take_census
from vectorwatch.demo.engine.node import REPORTED_VERSION, Node
from vectorwatch.demo.engine.traffic import Traffic


def render_metrics(node: Node) -> str:
    """Return the exposition text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_NodeCollector(node))
    return generate_latest(registry).decode()


class _NodeCollector(Collector):
    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        found = (take_census(one) for one in self._node.catalogue.list_collections())
        collections = [one for one in found if one is not None]
        yield _labelled(
            "app_info",
            "Name and reported version of this server.",
            ("name", "version"),
            [(("qdrant", REPORTED_VERSION), 1)],
        )
        yield _single("collections_total", "Collections on this node.", len(collections))
        total = sum(sum(one.vectors.values()) for one in collections)
        yield _single("collections_vector_total", "Vectors in all collections.", total)
        yield from _describe_collections(collections)
        yield _single("cluster_enabled", "1 in a cluster; this stand-in is none.", 0)
        yield from _describe_traffic(self._node.traffic)
        yield from _describe_process()


def _describe_collections(collections: Iterable[Census]) -> Iterator[Metric]:
    listed = list(collections)
    yield _labelled(
        "collection_vectors",
        "Vectors by collection and vector name.",
        ("collection", "vector"),
        [((one.name, vector), count) for one in listed for vector, count in one.vectors.items()],
    )
    yield _labelled(
        "collection_points", "Points by collection.", ("id",), [((one.name,), one.points) for one in listed]
    )
    yield _labelled(
        "collection_running_optimizations",
        "Optimizations that run now.",
        ("id",),
        [((one.name,), one.optimizing) for one in listed],
    )
    yield _labelled(
        "collection_indexed_only_excluded_points",
        "Points that requests with indexed_only skip (estimated).",
        ("id", "vector"),
        [
            ((one.name, vector), count)
            for one in listed
            for vector, count in one.indexed_only_excluded.items()
        ],
    )


def _describe_traffic(traffic: Traffic) -> Iterator[Metric]:
    responses = traffic.list_responses()
    if not responses:
        return  # Qdrant, too, shows these families only after the first request.
    names = ("method", "endpoint", "status")
    counter = CounterMetricFamily("rest_responses_total", "Answers to REST requests.", labels=names)
    for (method, endpoint, status), count in responses.items():
        counter.add_metric([method, endpoint, str(status)], count)
    yield counter
    histogram = HistogramMetricFamily(
        "rest_responses_duration_seconds", "Time to answer REST requests with status 200.", labels=names
    )
    for (method, endpoint), durations in traffic.list_durations().items():
        histogram.add_metric([method, endpoint, "200"], durations.cumulate(), durations.total_seconds)
    yield histogram


def _describe_process() -> Iterator[Metric]:
    resident = process.read_resident_bytes()
    yield _single(
        "memory_resident_bytes", "Resident set size of the process (VmRSS, not jemalloc's).", resident
    )
    yield _single("process_open_fds", "Open file descriptors.", process.count_open_files())
    yield _single("process_max_fds", "Limit of open file descriptors.", process.read_open_files_limit())
    yield _single("process_threads", "Threads of the process.", process.count_threads())


def _single(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _labelled(
    name: str, documentation: str, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family

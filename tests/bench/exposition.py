"""The time to expose 10,000 series: ours over HTTP, and prometheus_client's for the same rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from tests.bench.measure import Row, Scraper, free_port, percentile, running
from vectorwatch.serve.app import exporter_app
from vectorwatch.serve.metric import Metric, Sink, Table
from vectorwatch.serve.scrape import Exporter
from vectorwatch.serve.settings import ConfiguredTargets

SCRAPES = 30
MOST_SECONDS = 0.2
ITEMS, METRICS = 1_000, 10
TABLE: Table[int] = Table(
    tuple(Metric(f"bench_metric_{letter}", "A metric.", float) for letter in "abcdefghij"),
    labels=("collection", "vector"),
    key=lambda item: (f"collection-{item:05}", "title"),
)


class Place:
    label = url = "bench"


class LibraryRows(Collector):
    """The same rows as prometheus_client families."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric in TABLE.metrics:
            family = GaugeMetricFamily(metric.name, metric.help, labels=TABLE.labels)
            for item in range(ITEMS):
                family.add_metric(TABLE.key(item), float(item))
            yield family


async def collect(_place: Place, sink: Sink) -> None:
    sink.add(TABLE, range(ITEMS))


def serve(port: int) -> None:
    exporter = Exporter("bench", ConfiguredTargets([Place()], None, lambda _: Place()), collect, 50_000, 9)
    uvicorn.run(exporter_app(exporter, CollectorRegistry()), port=port, log_config=None, access_log=False)


def rows() -> Iterator[Row]:
    port = free_port()
    with running([sys.executable, "-m", "tests.bench.exposition", str(port)], port):
        scraper = Scraper(port, 'bench_metric_a{collection="collection-00999",vector="title"} 999.0')
        times = [scraper.seconds() for _ in range(SCRAPES)]
    yield Row("10,000 series over HTTP, OpenMetrics, gzip, p50", percentile(times, 0.5), "s", MOST_SECONDS)
    yield Row("10,000 series over HTTP, OpenMetrics, gzip, p99", percentile(times, 0.99), "s", MOST_SECONDS)
    started = time.perf_counter()
    generate_latest(LibraryRows())
    yield Row("the same rows written by prometheus_client, no HTTP", time.perf_counter() - started, "s")


if __name__ == "__main__":
    serve(int(sys.argv[1]))

"""A scrape of the log exporter: a pipeline of a hundred filters, two hundred services."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.measure import VECTORWATCH, Row, Scraper, free_port, percentile, resident_bytes, running

FILTERS, SERVICES = 100, 200
SCRAPES = 50
MOST_SECONDS = 1.0
MOST_BYTES = 80e6


def rows() -> Iterator[Row]:
    server_port, port = free_port(), free_port()
    arguments = [str(number) for number in (server_port, FILTERS, SERVICES)]
    server = [sys.executable, "-m", "tests.bench.logs_stand_in", *arguments]
    url = f"http://127.0.0.1:{server_port}"
    sources = ("LOGSTASH", "FILEBEAT", "KIBANA", "ELASTICSEARCH")
    environ = {f"VECTORWATCH_LOGS_{source}_URL": url for source in sources} | {
        "VECTORWATCH_LOGS_PORT": str(port),
        "VECTORWATCH_LOGS_INTERVAL_SECONDS": "1",
    }
    with (
        running(server, server_port),
        running([VECTORWATCH, "exporter", "logs"], port, environ) as exporter,
    ):
        scraper = Scraper(port, "logs_up 1")
        times = [scraper.seconds() for _ in range(SCRAPES)]
        name = f"Log exporter, {FILTERS} filters, {SERVICES} services (stand-in servers)"
        yield Row(f"{name}, p50", percentile(times, 0.5), "s", MOST_SECONDS)
        yield Row(f"{name}, slowest of {SCRAPES}", max(times), "s")
        yield Row("Log exporter RSS", resident_bytes(exporter.pid), "bytes", MOST_BYTES)

"""A scrape of the Qdrant exporter against 1, 100 and 1,000 collections."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.measure import VECTORWATCH, Row, Scraper, free_port, percentile, resident_bytes, running

SCRAPES = 15
MOST_SECONDS = 1.0
MOST_BYTES = 80e6


def rows() -> Iterator[Row]:
    for count in (1, 100, 1_000):
        server_port, port = free_port(), free_port()
        server = [sys.executable, "-m", "tests.bench.qdrant_stand_in", str(server_port), str(count)]
        environ = {
            "VECTORWATCH_QDRANT_URL": f"http://127.0.0.1:{server_port}",
            "VECTORWATCH_QDRANT_PORT": str(port),
        }
        with (
            running(server, server_port),
            running([VECTORWATCH, "exporter", "qdrant"], port, environ) as exporter,
        ):
            scraper = Scraper(port, "qdrant_up 1")
            times = [scraper.seconds() for _ in range(SCRAPES)]
            name = f"Qdrant scrape, {count:,} collections (stand-in server)"
            yield Row(f"{name}, p50", percentile(times, 0.5), "s", MOST_SECONDS)
            if count == 1_000:
                yield Row(f"{name}, slowest of {SCRAPES}", max(times), "s")
            yield Row(
                f"Qdrant exporter RSS, {count:,} collections",
                resident_bytes(exporter.pid),
                "bytes",
                MOST_BYTES,
            )

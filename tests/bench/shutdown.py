"""The seconds from SIGTERM to the end of an exporter whose target hangs while a scrape waits for it."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator

from tests.bench.measure import PROMETHEUS_HEADERS, VECTORWATCH, Row, free_port, running

ENDS = 5
DEADLINE_SECONDS = 60.0
MOST_SECONDS = 2.0


def rows() -> Iterator[Row]:
    times = [_end_while_a_scrape_hangs() for _ in range(ENDS)]
    yield Row(
        f"SIGTERM to the end of the Qdrant exporter, scrape in flight, slowest of {ENDS}",
        max(times),
        "s",
        MOST_SECONDS,
    )


def _end_while_a_scrape_hangs() -> float:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as target:
        target.settimeout(DEADLINE_SECONDS)
        environ = {
            "VECTORWATCH_QDRANT_URL": f"http://127.0.0.1:{target.getsockname()[1]}",
            "VECTORWATCH_QDRANT_PORT": str(port),
            "VECTORWATCH_QDRANT_SCRAPE_TIMEOUT_SECONDS": str(DEADLINE_SECONDS),
        }
        with (
            running([VECTORWATCH, "exporter", "qdrant"], port, environ) as exporter,
            socket.create_connection(("127.0.0.1", port)) as scraper,
        ):
            scraper.sendall(_request())
            hanging, _ = target.accept()  # the scrape has reached the target, which never answers
            with hanging:
                started = time.perf_counter()
                exporter.send_signal(signal.SIGTERM)
                code = exporter.wait(DEADLINE_SECONDS)
                seconds = time.perf_counter() - started
    if code:
        raise SystemExit(f"bench: the exporter ended with {code}")
    return seconds


def _request() -> bytes:
    headers = PROMETHEUS_HEADERS | {
        "Host": "127.0.0.1",
        "X-Prometheus-Scrape-Timeout-Seconds": f"{DEADLINE_SECONDS:g}",
    }
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(["GET /metrics HTTP/1.1", *lines, "", ""]).encode()

"""What every measurement needs: rows of the table, programs under test, timed scrapes."""

from __future__ import annotations

import gzip
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vectorwatch.demo.ports import find_free_ports

START_DEADLINE_SECONDS = 60.0
VECTORWATCH = str(Path(sys.executable).parent / "vectorwatch")
# What Prometheus 3 sends.
PROMETHEUS_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}


@dataclass(frozen=True)
class Row:
    """One figure; `limit` is what it may be at most, None where there is no aim."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def ok(self) -> bool:
        return self.limit is None or self.value <= self.limit


def free_port() -> int:
    return find_free_ports(1)[0]


@contextmanager
def running(
    argv: Sequence[str], port: int, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; it is ready when `port` accepts a connection."""
    process = subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(environ or {})}
    )
    try:
        end = time.monotonic() + START_DEADLINE_SECONDS
        while not _accepts(port):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"bench: {argv[0]} did not start on port {port}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Scraper:
    """A kept-alive connection that asks as Prometheus asks."""

    def __init__(self, port: int, must_hold: str) -> None:
        """Prepare scrapes of `port`; each must hold the line `must_hold`, lest a failed one be timed."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._must_hold = f"\n{must_hold}\n".encode()

    def seconds(self) -> float:
        """Scrape once and return how long it took."""
        started = time.perf_counter()
        self._connection.request("GET", "/metrics", headers=PROMETHEUS_HEADERS)
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - started
        text = gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body
        if self._must_hold not in text:
            raise SystemExit(f"bench: a scrape lacks {self._must_hold!r}: it was not complete")
        return seconds


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def resident_bytes(pid: int) -> float:
    """Return the resident memory of a process, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    raise SystemExit(f"bench: /proc/{pid}/status names no VmRSS")

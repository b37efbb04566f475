"""The real exporter, started on this machine and scraped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

from vectorwatch.errors import VectorwatchError
from vectorwatch.gpu import card_metrics, metrics

_START = "from vectorwatch.cli import main; main()"
_READY_SECONDS = 60.0
_SCRAPE_SECONDS = 30.0


class CheckError(VectorwatchError):
    """The check itself could not be made."""


@contextmanager
def exporter() -> Iterator[str]:
    """Run the exporter with everything switched on; yield the URL of its metrics. Raises CheckError."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ,
        "VECTORWATCH_GPU_PORT": str(port),
        "VECTORWATCH_GPU_PROCESSES": "true",
        "VECTORWATCH_GPU_PCIE_THROUGHPUT_SAMPLING": "true",
    }
    process = subprocess.Popen([sys.executable, "-c", _START, "exporter", "gpu"], env=environ)
    try:
        _wait(process, f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise CheckError("the exporter did not start; its last lines above say why")


def scrape(url: str) -> tuple[str, float]:
    """Return one exposition and the seconds it took."""
    started = time.perf_counter()
    with urllib.request.urlopen(url, timeout=_SCRAPE_SECONDS) as answer:  # noqa: S310 - as above
        text = answer.read().decode()
    return text, time.perf_counter() - started


def own_series(text: str) -> list[str]:
    """Return the lines of this exporter's series."""
    return [line for line in text.splitlines() if line.startswith("gpu_")]


def absent_metrics(text: str) -> list[str]:
    """Return the metrics of the catalogue that have no series in `text`."""
    present = {line.partition("{")[0].partition(" ")[0] for line in own_series(text)}
    tables = (
        card_metrics.CARD_TABLE,
        metrics.SLICE_TABLE,
        metrics.COUNT_TABLE,
        metrics.PRESENCE_TABLE,
        metrics.WATCH_TABLE,
        metrics.XID_TABLE,
    )
    names = [metric.name for table in tables for metric in table.metrics]
    return [name for name in names if name not in present]

"""A real OpenSearch node for tests: `with start(folder) as server: httpx.get(server.url)`.

It stands in for Elasticsearch, which may not be had as a library; `shim.py` says what it lacks and what is
therefore unproven. A start takes about 13 s of one core and 0.8 GB of memory.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from vectorwatch.demo.ports import find_free_ports

from .build import OpenSearchError, build

_START_SECONDS = 300.0
_END_SECONDS = 60.0
_JAVA = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")


@dataclass(frozen=True)
class Server:
    """A running node; `url` has no path and no login."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def start(folder: Path, port: int = 0, snapshots: Path | None = None) -> Iterator[Server]:
    """Run a node with its data in `folder` until the block ends; repositories may stand in `snapshots`.

    Raises OpenSearchError.
    """
    folder = folder.resolve()
    class_path = build()
    port = port or find_free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "opensearch.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                shutil.which("java") or "java",
                *_JAVA,
                "-cp",
                class_path,
                "Node",
                str(folder / "node"),
                str(port),
                str(snapshots or folder / "snapshots"),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        _wait(url, process, log)
        yield Server(url, process)
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not _is_ready(url):
        if process.poll() is not None or time.monotonic() > end:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            state = "does not start" if process.poll() is None else f"ended with {process.returncode}"
            raise OpenSearchError(f"opensearch: the node {state}:\n{said}")
        time.sleep(0.2)


def _is_ready(url: str) -> bool:
    try:
        health = httpx.get(f"{url}/_cluster/health", timeout=5, trust_env=False)
    except httpx.HTTPError:
        return False
    return health.is_success and health.json()["status"] in ("green", "yellow")

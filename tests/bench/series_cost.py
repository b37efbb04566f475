"""What a thousand series cost Prometheus: memory, the replay after a crash, bytes on disk.

Each size gets a Prometheus of its own and two hours of samples at 15 s; nothing is scraped, asked or
evaluated meanwhile, so that these are the costs of series alone.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.bench.measure import Row, free_port, resident_bytes, running
from tests.bench.remote_write import encode_labels, encode_samples, push
from vectorwatch.demo.tools import ensure_tools

SIZES = (10_000, 50_000, 100_000)
SCRAPE_SECONDS = 15
HISTORY_SECONDS = 2 * 3600
_SLICE_SECONDS = 1200
_PATTERNS = 300
"""Different courses of values; what is pushed is compressed, and too few of them would compress too well."""
_READY_SECONDS = 300.0


def rows() -> Iterator[Row]:
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="vectorwatch-bench-") as folder:
            yield from _measure(Path(folder), size)


def _measure(folder: Path, size: int) -> Iterator[Row]:
    (folder / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    with _prometheus(folder) as (client, process):
        empty = resident_bytes(process.pid)
        moments = _fill(client, size)
        yield Row(f"Prometheus RSS, {size:,} series, 2 h of samples", resident_bytes(process.pid), "bytes")
        if size == SIZES[0]:
            yield Row("Prometheus RSS, empty", empty, "bytes")
        yield Row(f"of it in use, {size:,} series", _live_bytes(client), "bytes")
        samples = size * len(moments)
        yield Row(
            f"log, {size:,} series, bytes a sample", _size_of(folder / "data" / "wal") / samples, "bytes"
        )
        name = client.post("/api/v1/admin/tsdb/snapshot").raise_for_status().json()["data"]["name"]
        chunks, index = _sizes_of_blocks(folder / "data" / "snapshots" / name)
        yield Row(f"blocks of 2 h, {size:,} series, bytes a sample", chunks / samples, "bytes")
        yield Row(f"their indexes, {size:,} series, bytes a series", index / size, "bytes")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    started = time.monotonic()
    with _prometheus(folder) as (_, process):
        yield Row(f"Prometheus, {size:,} series, ready after a crash", time.monotonic() - started, "s")
        yield Row(
            f"Prometheus most RSS of the replay, {size:,} series", _most_resident_bytes(process.pid), "bytes"
        )


@contextmanager
def _prometheus(folder: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    port = free_port()
    argv = [
        str(ensure_tools(["prometheus"])["prometheus"]),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
    ]
    with ExitStack() as stack:
        process = stack.enter_context(running(argv, port))
        client = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300, trust_env=False)
        )
        end = time.monotonic() + _READY_SECONDS
        while client.get("/-/ready").is_error:
            if time.monotonic() > end:
                raise SystemExit("bench: Prometheus does not get ready")
            time.sleep(0.1)
        yield client, process


def _fill(client: httpx.Client, size: int) -> Sequence[int]:
    """Push two hours of `size` series; return the moments in milliseconds."""
    chance = random.Random(1)
    now = int(time.time()) // SCRAPE_SECONDS * SCRAPE_SECONDS
    moments = [1000 * second for second in range(now - HISTORY_SECONDS, now, SCRAPE_SECONDS)]
    courses = [_course(number % 3, len(moments), chance) for number in range(_PATTERNS)]
    labels = [encode_labels(_labels(number)) for number in range(size)]
    step = _SLICE_SECONDS // SCRAPE_SECONDS
    for begin in range(0, len(moments), step):
        part = slice(begin, begin + step)
        encoded = [encode_samples(course[part], moments[part]) for course in courses]
        push(
            str(client.base_url).rstrip("/"), ((one, encoded[n % _PATTERNS]) for n, one in enumerate(labels))
        )
    return moments


def _course(kind: int, length: int, chance: random.Random) -> list[float]:
    """Return values of one of three kinds: one that stays, a counter of events, a gauge of four digits."""
    if kind == 0:
        return [float(chance.randrange(1000))] * length
    if kind == 1:
        total, values = 0.0, []
        for _ in range(length):
            total += chance.randrange(200)
            values.append(total)
        return values
    return [round(chance.uniform(0, 10), 3) for _ in range(length)]


def _labels(number: int) -> dict[str, str]:
    """Return labels about as long as those of our exporters; a hundred series a metric and instance."""
    return {
        "__name__": f"bench_requests_{number % 100:03}_seconds_bucket",
        "collection": f"documents-{number // 100 % 10:02}",
        "instance": f"server-{number // 1000:03}.example.net:9000",
        "job": "bench",
        "le": "0.25",
        "operation": "search",
    }


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _sizes_of_blocks(snapshot: Path) -> tuple[int, int]:
    """Return the bytes of samples and of indexes; a block ends at each even hour, so there are one or two."""
    blocks = [path for path in snapshot.iterdir() if (path / "meta.json").is_file()]
    return (
        sum(_size_of(block / "chunks") for block in blocks),
        sum((block / "index").stat().st_size for block in blocks),
    )


def _live_bytes(client: httpx.Client) -> float:
    """Return what is not garbage; Go lets as much of that gather as its settings allow."""
    client.get("/debug/pprof/heap", params={"gc": "1"}).raise_for_status()
    [value] = re.findall(r"(?m)^go_gc_heap_live_bytes (\S+)$", client.get("/metrics").text)
    return float(value)


def _most_resident_bytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    raise SystemExit(f"bench: /proc/{pid}/status names no VmHWM")

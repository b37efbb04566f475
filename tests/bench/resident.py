"""The resident memory of the GPU exporter and of the inbox; the other programs' stand with their scrapes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.bench.measure import VECTORWATCH, Row, Scraper, free_port, resident_bytes, running
from tests.unit.gpu.conftest import Scenario, build

CARDS = 8
SCRAPES = 200
NOTIFICATIONS = 2_000
MOST_BYTES = 80e6


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        yield _gpu_exporter(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield _inbox(Path(folder))


def _gpu_exporter(folder: Path) -> Row:
    build(folder)
    scenario = Scenario(folder / "scenario.txt").play("h200")
    for index in range(1, CARDS):
        scenario.add_card("h200", index, f"GPU-00000000-0000-0000-0000-{index:012}")
    port = free_port()
    environ = {
        "LD_LIBRARY_PATH": str(folder),
        "NVML_STAND_IN": str(scenario.path),
        "VECTORWATCH_GPU_PORT": str(port),
    }
    with running([VECTORWATCH, "exporter", "gpu"], port, environ) as exporter:
        scraper = Scraper(port, "gpu_up 1")
        for _ in range(SCRAPES):
            scraper.seconds()
        name = f"GPU exporter RSS, {CARDS} cards (stand-in for NVML), after {SCRAPES} scrapes"
        return Row(name, resident_bytes(exporter.pid), "bytes", MOST_BYTES)


def _inbox(folder: Path) -> Row:
    port = free_port()
    environ = {
        "VECTORWATCH_INBOX_PORT": str(port),
        "VECTORWATCH_INBOX_SMTP_PORT": str(free_port()),
        "VECTORWATCH_INBOX_DATA": str(folder / "journal"),
    }
    with (
        running([VECTORWATCH, "inbox"], port, environ) as inbox,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client,
    ):
        for number in range(NOTIFICATIONS):
            client.post("/slack", json={"text": f"[FIRING:1] Bench {number}"}).raise_for_status()
        for path in ("/", "/api/notifications?limit=500", "/metrics"):
            client.get(path).raise_for_status()
        name = f"inbox RSS, after {NOTIFICATIONS:,} notifications"
        return Row(name, resident_bytes(inbox.pid), "bytes", MOST_BYTES)

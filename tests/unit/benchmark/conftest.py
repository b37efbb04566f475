"""The real engine and a real Valkey; what delays an answer is a proxy in front of them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from vectorwatch.benchmark.settings import BenchmarkSettings
from vectorwatch.settings import load

SIZE = 16


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., BenchmarkSettings]:
    def make(**values: Any) -> BenchmarkSettings:
        environ = {
            f"VECTORWATCH_BENCHMARK_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in {"data": str(tmp_path / "data"), "requests": 5, **values}.items()
        }
        return load(BenchmarkSettings, environ=environ)

    return make


@pytest.fixture
def engine(start_program: Callable[..., Any], free_port: Callable[[], int], tmp_path: Path) -> str:
    """The embedded engine with a collection `docs` of 200 points and an empty one."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    argv = [sys.executable, "-m", "vectorwatch.demo.engine", "--host", "127.0.0.1", "--port", str(port)]
    start_program([*argv, "--data", str(tmp_path / "engine")], ready_url=f"{url}/readyz")
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for name in ("docs", "nothing"):
            body = {"vectors": {"size": SIZE, "distance": "Cosine"}}
            client.put(f"/collections/{name}", json=body).raise_for_status()
        add_points(client, 0, 200)
    return url


def add_points(client: httpx.Client, first: int, count: int) -> None:
    noise = Random(first)
    points = [
        {"id": number, "vector": [noise.gauss(0, 1) for _ in range(SIZE)], "payload": {}}
        for number in range(first, first + count)
    ]
    client.put("/collections/docs/points?wait=true", json={"points": points}).raise_for_status()


@dataclass
class DelayingProxy:
    """Passes bytes on, those of the server `delay_seconds` late."""

    port: int
    delay_seconds: float = 0.0


@asynccontextmanager
async def delaying_proxy(server_port: int) -> AsyncIterator[DelayingProxy]:
    """Listen in front of a port of this machine."""
    proxy, tasks = DelayingProxy(0), set()

    async def move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        with suppress(OSError), closing(writer):
            while chunk := await reader.read(65536):
                await asyncio.sleep(proxy.delay_seconds if late else 0)
                writer.write(chunk)
                await writer.drain()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", server_port)
        tasks.add(asyncio.create_task(move(reader, back, late=False)))
        tasks.add(asyncio.create_task(move(there, writer, late=True)))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

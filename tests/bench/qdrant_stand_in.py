"""A stand-in for a Qdrant server with many collections: recorded answers at the speed of the loop.

`python -m tests.bench.qdrant_stand_in PORT COUNT`. It answers faster than a real server, so that the exporter
is measured and not the server; what a real server's own time adds is not part of the figure.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import cast

import uvloop

RECORDED = Path(__file__).parent.parent / "unit/qdrant/fixtures/qdrant-1.19-features/routes.json"


def answers(count: int) -> dict[bytes, bytes]:
    """Return whole HTTP answers by path."""
    recorded = json.loads(RECORDED.read_text())
    names = [f"collection-{number:05}" for number in range(count)]
    routes = {path: recorded[path] for path in ("/", "/aliases", "/cluster", "/issues")}
    routes["/readyz"] = "all shards are ready"
    routes["/collections"] = {"result": {"collections": [{"name": name} for name in names]}}
    routes |= {f"/collections/{name}": recorded["/collections/mixed"] for name in names}
    return {path.encode(): http_answer(json.dumps(answer).encode()) for path, answer in routes.items()}


def http_answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection(asyncio.Protocol):
    def __init__(self, known: dict[bytes, bytes]) -> None:
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._known[data.split(b" ", 2)[1]])


async def serve(port: int, count: int) -> None:
    known = answers(count)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(known), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))

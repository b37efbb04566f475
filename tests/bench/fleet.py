"""A stand-in for many servers: recorded expositions, multiplied by instances and by what they watch.

`python -m tests.bench.fleet PORT ORIGIN` serves them, counters moving, one path a target.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import uvloop

_TESTS = Path(__file__).parents[1]
_RECORDINGS = Path(__file__).parent / "recordings"
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_COUNTER = re.compile(r".*_(total|count|sum|bucket)")
_NOW = re.compile(r"(.*_last_.*_timestamp|node_time)_seconds")
_COUNTED_IN_SECONDS = 3600.0


@dataclass(frozen=True)
class Kind:
    """Servers of one kind; each series that has a label of `copies` comes so many times."""

    job: str
    recording: Path
    instances: int
    copies: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    def instance(self, number: int) -> str:
        return f"{self.job}-{number:02}:9000"

    @cached_property
    def series(self) -> list[tuple[str, str, float]]:
        """Name, name with labels as in an exposition, and recorded value of each series of one server."""
        return list(self._series())

    def _series(self) -> Iterator[tuple[str, str, float]]:
        for line in self.recording.read_text(encoding="utf-8").splitlines():
            found = _SAMPLE.match(line)
            if found is None:
                continue
            name, labels, value = found[1], dict(_LABEL.findall(found[2] or "")), float(found[3])
            for copy in self._copies(labels):
                text = ",".join(f'{key}="{word}"' for key, word in copy.items())
                yield name, f"{name}{{{text}}}", value

    def _copies(self, labels: Mapping[str, str]) -> Iterator[dict[str, str]]:
        times, suffixed = 1, set[str]()
        for keys, count in self.copies.items():
            if labels.keys() & set(keys):
                times, suffixed = count, set(keys)
        for number in range(times):
            end = f"-{number}" if number else ""
            yield {key: word + end if key in suffixed else word for key, word in labels.items()}


_COLLECTIONS = ("collection", "alias")
# About 100,000 series; the greater part of them are the histograms that the rules read.
KINDS = {
    kind.job: kind
    for kind in (
        Kind("app", _RECORDINGS / "app.prom", 23),
        Kind("qdrant", _RECORDINGS / "qdrant.prom", 10, {("id", "collection"): 10}),
        Kind("qdrant-exporter", _RECORDINGS / "qdrant-exporter.prom", 10, {_COLLECTIONS: 10}),
        Kind("hnsw-probe", _RECORDINGS / "hnsw-probe.prom", 10, {_COLLECTIONS: 10}),
        Kind("dragonfly-exporter", _TESTS / "unit/dragonfly/golden/dragonfly-1.39.0.prom", 20),
        Kind("gpu-exporter", _TESTS / "unit/gpu/golden/h200.prom", 8, {("uuid",): 8}),
        Kind("node-exporter", _RECORDINGS / "node-exporter.prom", 40),
        Kind("cadvisor", _RECORDINGS / "cadvisor.prom", 8, {("id", "name"): 24}),
        Kind("blackbox", _RECORDINGS / "blackbox.prom", 40),
        Kind("blackbox-exporter", _RECORDINGS / "blackbox-exporter.prom", 1),
        Kind("alertmanager", _RECORDINGS / "alertmanager.prom", 2),
        Kind("inbox", _RECORDINGS / "inbox.prom", 1),
        Kind("jaeger", _RECORDINGS / "jaeger.prom", 1),
        Kind("jaeger-spanmetrics", _RECORDINGS / "jaeger-spanmetrics.prom", 1, {("service_name",): 20}),
    )
}


def value_at(name: str, recorded: float, seconds: float) -> float:
    """Return the value of a series so many seconds after the origin: counters grow evenly from 0."""
    if _COUNTER.fullmatch(name) and ":" not in name:
        return recorded * seconds / _COUNTED_IN_SECONDS
    return recorded


def exposition(kind: Kind, now: float, origin: float) -> str:
    """Return what a server of a kind says at a time."""
    lines = (
        f"{text} {now if _NOW.fullmatch(name) else value_at(name, value, now - origin)}"
        for name, text, value in kind.series
    )
    return "\n".join((*lines, ""))


def scrape_configs(port: int) -> list[dict[str, Any]]:
    """Return the jobs of all servers, as prometheus.yml writes them."""
    return [
        {
            "job_name": kind.job,
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{port}"],
                    "labels": {
                        "instance": kind.instance(number),
                        "__metrics_path__": f"/{kind.job}/{number}",
                    },
                }
                for number in range(kind.instances)
            ],
        }
        for kind in KINDS.values()
    ]


class _Connection(asyncio.Protocol):
    """Answers each request with the exposition of the kind that its path begins with.

    The servers of a kind say the same, so that it is written once a second at most, into `written`.
    """

    def __init__(self, origin: float, written: dict[tuple[str, int], bytes]) -> None:
        self._origin, self._written = origin, written

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        job = data.split(b" ", 2)[1].decode().split("/")[1]
        key = (job, int(time.time()))
        if key not in self._written:
            for old in [old for old in self._written if old[0] == job]:
                del self._written[old]
            body = exposition(KINDS[job], float(key[1]), self._origin).encode()
            head = (
                "HTTP/1.1 200 OK",
                "Content-Type: text/plain; version=0.0.4",
                f"Content-Length: {len(body)}",
            )
            self._written[key] = "\r\n".join((*head, "", "")).encode() + body
        self._transport.write(self._written[key])


async def serve(port: int, origin: float) -> None:
    """Serve until the process ends; `origin` is the Unix time at which all counters were 0."""
    loop = asyncio.get_running_loop()
    written = dict[tuple[str, int], bytes]()
    server = await loop.create_server(lambda: _Connection(origin, written), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))

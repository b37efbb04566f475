"""What `/metrics` answers: this process, or all workers together."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .workers import find_folder, remove_dead_workers

_GZIP_FROM_BYTES = 1_400  # one network packet: below it nothing is saved
_GZIP_LEVEL = 1  # metric text shrinks tenfold at level 1; higher levels cost more time than bytes
# Its own: the threads of Starlette and asyncio may all be busy, or stuck, with what is being measured.
_threads = ThreadPoolExecutor(2, "vectorwatch-metrics")
_log = logging.getLogger(__name__)


async def answer_metrics(request: Request) -> Response:
    """Return the metrics as OpenMetrics, with exemplars, or as text, whichever the request asks for."""
    accept = request.headers.get("accept", "")
    compress = accepts_gzip(request.headers.get("accept-encoding", ""))
    try:
        loop = asyncio.get_running_loop()
        body, content_type, encoding = await loop.run_in_executor(_threads, _write, accept, compress)
    except Exception:
        _log.exception("a collector failed, and with it the whole scrape")
        return PlainTextResponse("A collector failed; the log says which.\n", status_code=500)
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-store"}
    return Response(body, headers=headers | ({"Content-Encoding": encoding} if encoding else {}))


def _write(accept: str, compress: bool) -> tuple[bytes, str, str]:
    encode, content_type = choose_encoder(accept)
    folder = find_folder()
    body = encode(REGISTRY if folder is None else _join_workers(folder))
    if compress and len(body) >= _GZIP_FROM_BYTES:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0), content_type, "gzip"
    return body, content_type, ""


def _join_workers(folder: Path) -> CollectorRegistry:
    remove_dead_workers(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return registry


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an `Accept-Encoding` header lets the answer be gzip: named, and not with `q=0`."""
    for part in accept_encoding.split(","):
        coding, *parameters = part.replace(" ", "").split(";")
        if coding == "gzip":
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False

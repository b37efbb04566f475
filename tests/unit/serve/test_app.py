"""The routes, over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from vectorwatch.serve.app import exporter_app, own_registry
from vectorwatch.serve.metric import Metric, Sink, Table
from vectorwatch.serve.scrape import Exporter
from vectorwatch.serve.settings import ConfiguredTargets

PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
)
ROWS: Table[int] = Table((Metric("x_value", "h", lambda n: n),), ("n",), lambda n: (str(n),))


class Place:
    def __init__(self, label: str) -> None:
        self.label = self.url = label


Serve = Callable[[FastAPI], str]
Collect = Callable[[Place, Sink], Awaitable[None]]


def app(collect: Collect, timeout_seconds: float = 30) -> FastAPI:
    targets = ConfiguredTargets([Place("http://a"), Place("http://b<script>")], None, Place)
    return exporter_app(Exporter("x", targets, collect, 100_000, timeout_seconds), own_registry("x-exporter"))


async def collect_rows(_place: Place, sink: Sink) -> None:
    sink.add(ROWS, range(3_000))


async def hang(place: Place, _sink: Sink) -> None:
    if place.label == "http://a":
        await asyncio.Event().wait()


def test_metrics_hold_the_target_and_this_process(serve: Serve) -> None:
    answer = httpx.get(serve(app(collect_rows)) + "/metrics", headers={"Accept": PROMETHEUS_ACCEPT})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"x_up", "x_value", "process_resident_memory_bytes", "vectorwatch_build_info"} <= names


def test_metrics_can_hold_this_process_alone(serve: Serve) -> None:
    text = httpx.get(serve(app(collect_rows)) + "/metrics?first_target=no").text
    assert "process_resident_memory_bytes" in text
    assert "x_" not in text.replace("process_max_fds", "")


def test_a_probe_holds_only_its_target(serve: Serve) -> None:
    answer = httpx.get(serve(app(collect_rows)) + "/probe", params={"target": "http://b<script>"})
    assert "x_up 1" in answer.text
    assert "process_" not in answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "Give `?target=`; allowed are: http://a, http://b<script>\n"),
        (
            {"target": "http://metadata.internal"},
            "That target is not in the configuration; allowed are: http://a, http://b<script>\n",
        ),
    ],
)
def test_only_configured_targets_are_read(serve: Serve, query: dict[str, str], sentence: str) -> None:
    answer = httpx.get(serve(app(collect_rows)) + "/probe", params=query)
    assert (answer.status_code, answer.text) == (400, sentence)


def test_the_answer_is_compressed_when_asked(serve: Serve) -> None:
    url = serve(app(collect_rows)) + "/metrics"
    with httpx.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert b"x_value" in gzip.decompress(b"".join(answer.iter_raw()))
    assert "content-encoding" not in httpx.get(url, headers={"Accept-Encoding": "identity"}).headers


def test_a_hanging_target_freezes_nothing_else(serve: Serve) -> None:
    released = threading.Event()

    async def hang_until_released(place: Place, _sink: Sink) -> None:
        if place.label == "http://a":
            await asyncio.to_thread(released.wait, 60)

    url = serve(app(hang_until_released))
    scrape = threading.Thread(target=lambda: httpx.get(url + "/metrics", timeout=60))
    scrape.start()
    for path in ("/healthz", "/readyz", "/", "/probe?target=http%3A%2F%2Fb%3Cscript%3E"):
        assert httpx.get(url + path, timeout=20).status_code == 200
        assert scrape.is_alive()
    released.set()
    scrape.join(60)


def test_prometheus_timeout_header_ends_the_scrape(serve: Serve) -> None:
    url = serve(app(hang, timeout_seconds=300))
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
    answer = httpx.get(url + "/metrics", headers=header, timeout=60)
    assert 'x_scrape_failed{reason="timeout"} 1' in answer.text


def test_the_landing_page_escapes_what_it_shows(serve: Serve) -> None:
    page = httpx.get(serve(app(collect_rows)) + "/").text
    assert "http://b&lt;script&gt;" in page
    assert "<script>" not in page

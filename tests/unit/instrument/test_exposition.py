"""`/metrics` in the format that is asked for, with exemplars where they can be."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from vectorwatch.instrument import instrument
from vectorwatch.instrument.exposition import accepts_gzip

PROMETHEUS_HEADERS = {  # what Prometheus 3 sends
    "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


@pytest.fixture
def url(spans: object, serve: Callable[[FastAPI], str]) -> str:
    app = FastAPI()

    @app.get("/items/{item}")
    async def read(item: int) -> int:
        return item

    instrument(app, service="test", traces_endpoint="http://127.0.0.1:9", configure_logs=False)
    url = serve(app)
    httpx.get(f"{url}/items/1", trust_env=False)
    return url


def scrape(url: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{url}/metrics", headers=headers, trust_env=False)


def test_prometheus_gets_openmetrics_with_the_trace_as_exemplar(
    url: str, read_spans: Callable[[], list[Any]]
) -> None:
    answer = scrape(url, **PROMETHEUS_HEADERS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.endswith("# EOF\n")
    exemplars = {
        sample.exemplar.labels["trace_id"]
        for family in parse_openmetrics(answer.text)
        if family.name == "http_request_duration_seconds"
        for sample in family.samples
        if sample.exemplar and sample.labels["endpoint"] == "/items/{item}"
    }
    assert format(read_spans()[-1].context.trace_id, "032x") in exemplars


def test_a_browser_gets_text(url: str) -> None:
    answer = scrape(url, **{"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "identity"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "content-encoding" not in answer.headers
    assert "http_requests" in {family.name for family in parse_text(answer.text)}
    assert "# {" not in answer.text


def test_gzip_is_what_it_says(url: str) -> None:
    with httpx.stream(
        "GET", f"{url}/metrics", headers={"Accept-Encoding": "gzip"}, trust_env=False
    ) as answer:
        assert b"http_requests_total" in gzip.decompress(b"".join(answer.iter_raw()))


@pytest.mark.parametrize(
    ("header", "accepted"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_gzip_is_used_where_it_is_accepted(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


async def test_threads_that_are_all_stuck_do_not_hold_up_a_scrape(ask: Callable[..., Any]) -> None:
    app = FastAPI()
    instrument(app, service="test", configure_logs=False)
    release = threading.Event()
    stuck = [asyncio.create_task(asyncio.to_thread(release.wait)) for _ in range(100)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(60):
            answer = await ask(app, "/metrics")
    finally:
        release.set()
        await asyncio.gather(*stuck)
    assert answer.status_code == 200


class Broken:
    def collect(self) -> Iterator[Any]:
        raise RuntimeError("the driver is gone")


def test_a_collector_that_fails_is_500_and_a_line_in_the_log(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    REGISTRY._collector_to_names[Broken()] = ["broken"]
    broken = next(one for one in REGISTRY._collector_to_names if isinstance(one, Broken))
    try:
        answer = scrape(url)
    finally:
        del REGISTRY._collector_to_names[broken]
    assert (answer.status_code, answer.text) == (500, "A collector failed; the log says which.\n")
    assert "the driver is gone" in caplog.text

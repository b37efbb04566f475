"""The log exporter's search against a real OpenSearch: what it counts of what comes when."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from tests.logs.opensearch.server import start
from vectorwatch.errors import Reason
from vectorwatch.logs.client import Client
from vectorwatch.logs.search import NONE, OTHER
from vectorwatch.logs.service import build_app
from vectorwatch.logs.settings import LogsSettings
from vectorwatch.logs.watch import Watch
from vectorwatch.settings import load

NOON = 1_795_780_800.0
KEYWORD = {"type": "keyword"}


@pytest.fixture(scope="module")
def server(opensearch_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start(tmp_path_factory.mktemp("opensearch")) as running:
        yield running.url


@dataclass
class Index:
    """The log data streams of one test, with names of their own."""

    http: httpx.Client
    namespace: str
    now: float = NOON

    def clock(self) -> float:
        return self.now

    @property
    def pattern(self) -> str:
        return f"logs-*-{self.namespace}"

    def write(self, documents: Sequence[dict[str, Any]]) -> None:
        """Store documents of `document` and make them searchable."""
        lines = []
        for source in documents:
            dataset = source.get("data_stream", {}).get("dataset", "application")
            lines.append(json.dumps({"create": {"_index": f"logs-{dataset}-{self.namespace}"}}))
            lines.append(json.dumps(source))
        answer = self.http.post(
            "/_bulk?refresh=true",
            content="\n".join(lines) + "\n",
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.raise_for_status().json()["errors"] is False, answer.text[:500]

    def document(
        self,
        *,
        ingested: float = 0.0,
        happened: float = -2.0,
        service: str | None = "search",
        level: str | None = "info",
        dataset: str = "application",
    ) -> dict[str, Any]:
        """Return a document; `ingested` and `happened` in seconds from now."""
        source: dict[str, Any] = {
            "@timestamp": round((self.now + happened) * 1000),
            "event": {"ingested": round((self.now + ingested) * 1000)},
            "data_stream": {"type": "logs", "dataset": dataset, "namespace": self.namespace},
        }
        if service is not None:
            source["service"] = {"name": service}
        if level is not None:
            source["log"] = {"level": level}
        return source


@pytest.fixture
def index(server: str, request: pytest.FixtureRequest) -> Iterator[Index]:
    namespace = f"t{abs(hash(request.node.name)) % 10**9}"
    body = {
        "index_patterns": [f"logs-*-{namespace}"],
        "data_stream": {},
        "priority": 300,
        "template": {
            "settings": {"number_of_replicas": 0},
            "mappings": {
                "dynamic": False,
                "properties": {
                    "@timestamp": {"type": "date"},
                    "event": {"properties": {"ingested": {"type": "date"}}},
                    "service": {"properties": {"name": KEYWORD}},
                    "log": {"properties": {"level": KEYWORD}},
                    "data_stream": {"properties": {"dataset": KEYWORD}},
                },
            },
        },
    }
    with httpx.Client(base_url=server, timeout=60, trust_env=False) as http:
        http.put(f"/_index_template/{namespace}", json=body).raise_for_status()
        yield Index(http, namespace)
        http.delete(f"/_data_stream/logs-*-{namespace}").raise_for_status()


@pytest.fixture
async def watch(server: str, index: Index) -> AsyncIterator[Watch]:
    environ = {
        "VECTORWATCH_LOGS_ELASTICSEARCH_URL": server,
        "VECTORWATCH_LOGS_DATA_STREAMS": index.pattern,
    }
    async with aiohttp.ClientSession() as session:
        client = Client(load(LogsSettings, environ=environ), session)
        yield Watch(client.arrivals, interval_seconds=15, max_services=20, clock=index.clock)


async def search(watch: Watch) -> dict[tuple[str, ...], float]:
    """Search once and return the counts, by service, level and dataset."""
    await watch.search_once()
    await watch.read()  # a new series is 0 in its first reading
    arrivals, failure = await watch.read()
    assert failure is None, failure
    return dict(arrivals.events)


async def test_no_data_stream_yet_is_nothing_and_no_failure(watch: Watch) -> None:
    assert await search(watch) == {}


async def test_what_comes_is_counted_by_service_level_and_dataset(watch: Watch, index: Index) -> None:
    index.write([index.document(ingested=-1)] * 40)
    assert await search(watch) == {("search", "info", "application"): 0}
    index.now += 15
    index.write(
        [
            *[index.document()] * 3,
            *[index.document(level="error")] * 2,
            index.document(level=None, dataset="alerts", service=None),
            index.document(level="FATAL: odd"),
            index.document(service="", level=""),
        ]
    )
    counts = await search(watch)
    assert counts == {
        ("search", "info", "application"): 3,
        ("search", "error", "application"): 2,
        (NONE, NONE, "alerts"): 1,
        ("search", OTHER, "application"): 1,
        (NONE, NONE, "application"): 1,
    }
    assert await search(watch) == counts


async def test_documents_that_become_searchable_late_are_counted_once(watch: Watch, index: Index) -> None:
    index.write([index.document()])
    await search(watch)
    for _ in range(4):
        index.now += 250
        index.write([index.document(ingested=-240), index.document(happened=-9000)])
        await search(watch)
        await search(watch)
    assert await search(watch) == {("search", "info", "application"): 8}


async def test_what_was_not_stamped_is_not_counted(watch: Watch, index: Index) -> None:
    unstamped = index.document()
    del unstamped["event"]
    index.write([unstamped])
    assert await search(watch) == {}


async def test_two_thousand_documents_of_thirty_services_are_counted_to_the_last(
    watch: Watch, index: Index
) -> None:
    chance = random.Random(7)
    await search(watch)
    expected: Counter[str] = Counter()
    for _ in range(20):
        index.now += chance.uniform(5, 90)
        documents = []
        for _ in range(100):
            level = chance.choice(["info", "info", "error", "debug"])
            service = f"service{chance.randrange(30)}"
            documents.append(index.document(ingested=-chance.uniform(0, 200), service=service, level=level))
            expected[level] += 1
        index.write(documents)
        await search(watch)
    counts = await search(watch)
    found: Counter[str] = Counter()
    for (_, level, _), number in counts.items():
        found[level] += int(number)
    assert found == expected
    services = {service for service, _, _ in counts}
    assert len(services - {OTHER}) == 20  # the limit
    assert sum(number for key, number in counts.items() if key[0] == OTHER) > 0


async def test_a_roll_over_to_a_new_backing_index_counts_nothing_twice(watch: Watch, index: Index) -> None:
    index.write([index.document()])
    await search(watch)
    index.now += 15
    index.write([index.document()] * 5)
    await search(watch)
    index.http.post(f"/logs-application-{index.namespace}/_rollover").raise_for_status()
    index.write([index.document()] * 6)
    assert await search(watch) == {("search", "info", "application"): 11}


async def test_the_newest_document_and_the_median_delay(watch: Watch, index: Index) -> None:
    index.write(
        [
            index.document(ingested=-20 * 3600, happened=-20 * 3600, dataset="security"),
            *(index.document(ingested=-1, happened=-1 - delay) for delay in (1, 2, 900)),
        ]
    )
    await search(watch)
    arrivals, _ = await watch.read()
    assert arrivals.newest == {("application",): NOON - 1, ("security",): NOON - 20 * 3600}
    assert arrivals.delay_seconds == 1.5  # of 0, 1, 2 and 900 s


async def test_a_closed_backing_index_loses_nothing_of_the_others(watch: Watch, index: Index) -> None:
    index.write([index.document(dataset="security"), index.document()])
    await search(watch)
    index.http.post(f"/logs-security-{index.namespace}/_rollover").raise_for_status()
    index.http.post(f"/.ds-logs-security-{index.namespace}-000001/_close").raise_for_status()
    index.now += 15
    index.write([index.document()] * 2)
    assert (await search(watch))["search", "info", "application"] == 2


async def test_an_index_with_another_mapping_is_a_failure_and_loses_nothing_once_it_is_gone(
    watch: Watch, index: Index
) -> None:
    index.write([index.document()])
    await search(watch)
    strange = f"/logs-strange-{index.namespace}"
    body = {
        "index_patterns": [strange[1:]],
        "data_stream": {},
        "priority": 400,
        "template": {
            "settings": {"number_of_replicas": 0},
            "mappings": {"properties": {"service": {"properties": {"name": {"type": "text"}}}}},
        },
    }
    index.http.put(f"/_index_template/strange-{index.namespace}", json=body).raise_for_status()
    index.now += 15
    index.write([index.document(), index.document(dataset="strange")])
    await watch.search_once()
    _, failure = await watch.read()
    assert failure is not None
    assert failure.reason is Reason.HTTP_STATUS
    index.http.delete(f"/_data_stream{strange}").raise_for_status()
    assert await search(watch) == {("search", "info", "application"): 1}


def test_the_exporter_shows_what_the_server_holds(
    server: str, index: Index, serve: Callable[[FastAPI], str], poll: Callable[..., None]
) -> None:
    environ = {
        "VECTORWATCH_LOGS_ELASTICSEARCH_URL": server,
        "VECTORWATCH_LOGS_DATA_STREAMS": index.pattern,
        "VECTORWATCH_LOGS_INTERVAL_SECONDS": "1",
    }
    url = serve(build_app(load(LogsSettings, environ=environ))) + "/metrics"

    def values() -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(httpx.get(url, timeout=60).raise_for_status().text)
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    assert values()["logs_up",] == 1
    index.now = time.time()
    index.write([index.document(level="error")] * 7)
    key = ("log_events_total", "search", "error", "application")
    poll(lambda: values().get(key) == 7, "seven errors are counted")
    assert values()["log_newest_event_timestamp_seconds", "application"] == pytest.approx(index.now, abs=0.01)
    assert values()["log_ingest_delay_seconds",] == pytest.approx(2)

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from vectorwatch import tracing
from vectorwatch.errors import Reason, TargetError
from vectorwatch.hnsw.client import Mode, SearchClient
from vectorwatch.hnsw.index import DenseVector
from vectorwatch.hnsw.subject import Subject
from vectorwatch.serve.http_client import JsonClient

if TYPE_CHECKING:
    from .conftest import StandIn

VECTOR = DenseVector("text", 8, True, 32, 16, 0, 0, True)
FILTER = {"must": [{"key": "lang", "match": {"value": "de"}}]}
SUBJECT = Subject("docs", VECTOR, "german", (16,), (10,), 0.9, FILTER, {"rescore": True})
QUERY = [0.5] * 8

Charges = list[tuple[Mode, float]]


@pytest.fixture
def charges() -> Charges:
    return []


@pytest.fixture
async def client(
    stand_in: StandIn, serve_stand_in: Callable[..., str], charges: Charges
) -> AsyncIterator[SearchClient]:
    async with aiohttp.ClientSession() as session:
        http = JsonClient(session, serve_stand_in(stand_in))
        yield SearchClient(http, 2, time.monotonic, lambda *charge: charges.append(charge))


def last_body(stand_in: StandIn) -> dict[str, Any]:
    return stand_in.requests[-1][2]


async def test_a_search_carries_vector_name_filter_ef_and_quantization(
    client: SearchClient, stand_in: StandIn
) -> None:
    await client.search(SUBJECT, QUERY, 16, 10)
    assert last_body(stand_in) == {
        "query": QUERY,
        "using": "text",
        "filter": FILTER,
        "limit": 10,
        "with_payload": False,
        "params": {"hnsw_ef": 16, "quantization": {"rescore": True}},
    }


async def test_the_servers_own_ef_is_left_to_the_server(client: SearchClient, stand_in: StandIn) -> None:
    await client.search(SUBJECT, QUERY, "default", 10)
    assert last_body(stand_in)["params"] == {"quantization": {"rescore": True}}


async def test_an_exact_search_says_nothing_else(client: SearchClient, stand_in: StandIn) -> None:
    await client.search_exactly(SUBJECT, QUERY)
    assert last_body(stand_in)["params"] == {"exact": True}


async def test_the_check_keeps_the_filter(client: SearchClient, stand_in: StandIn) -> None:
    await client.score(SUBJECT, QUERY, [3, 4])
    assert last_body(stand_in)["filter"] == {"must": [{"has_id": [3, 4]}, FILTER]}
    assert last_body(stand_in)["limit"] == 2


async def test_samples_are_drawn_at_random_with_the_vector(client: SearchClient, stand_in: StandIn) -> None:
    await client.sample(SUBJECT, 5)
    body = last_body(stand_in)
    assert (body["query"], body["with_vector"], body["limit"]) == ({"sample": "random"}, ["text"], 5)


async def test_the_engines_own_time_is_charged(
    client: SearchClient, stand_in: StandIn, charges: Charges
) -> None:
    stand_in.seconds = 1e-6
    await client.search(SUBJECT, QUERY, 16, 10)
    assert charges == [(Mode.ANN, 1e-6)]


@pytest.mark.parametrize("claimed", [None, 3600.0])
async def test_without_a_credible_time_the_waiting_is_charged(
    client: SearchClient, stand_in: StandIn, charges: Charges, claimed: float | None
) -> None:
    stand_in.seconds = claimed
    answer = await client.search_exactly(SUBJECT, QUERY)
    assert charges == [(Mode.EXACT, answer.client_seconds)]


async def test_a_hanging_server_is_left_at_the_deadline_and_charged(
    client: SearchClient, stand_in: StandIn, charges: Charges, always: Callable[..., Any]
) -> None:
    stand_in.fault = always("/points/query", hang_seconds=30)
    with pytest.raises(TargetError, match=r"no complete answer within 2 s") as caught:
        await client.search(SUBJECT, QUERY, 16, 10)
    assert caught.value.reason is Reason.TIMEOUT
    ((mode, seconds),) = charges
    assert mode is Mode.ANN
    assert seconds >= 2


async def test_each_search_is_a_span_by_which_a_slow_one_is_found(
    client: SearchClient, stand_in: StandIn, always: Callable[..., Any]
) -> None:
    spans = InMemorySpanExporter()
    tracing.start("hnsw-probe", exporter=spans)
    try:
        await client.search(SUBJECT, QUERY, 16, 10)
        await client.search_exactly(SUBJECT, QUERY)
        stand_in.fault = always("/points/query", hang_seconds=30)
        with pytest.raises(TargetError):
            await client.search(SUBJECT, QUERY, "default", 10)
    finally:
        tracing.stop()
    # The server here is in this process, and FastAPI sends spans of its own.
    found, exact, slow = (span for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT)
    assert {span.name for span in (found, exact, slow)} == {"search docs"}
    host, _, port = client.http.base_url.removeprefix("http://").partition(":")
    assert dict(found.attributes or {}) == {
        "db.system.name": "qdrant",
        "db.operation.name": "search",
        "db.collection.name": "docs",
        "server.address": host,
        "server.port": int(port),
        "vectorwatch.search.mode": "ann",
        "vectorwatch.search.ef": 16,
        "vectorwatch.search.k": 10,
    }
    assert (exact.attributes or {})["vectorwatch.search.mode"] == "exact"
    assert (slow.attributes or {})["error.type"] == "timeout"
    assert slow.status.status_code is StatusCode.ERROR
    assert (slow.end_time or 0) - (slow.start_time or 0) >= 2_000_000_000


async def test_a_collection_that_does_not_exist_has_no_index(client: SearchClient) -> None:
    assert await client.index("nowhere") is None


async def test_any_name_reaches_its_collection(
    client: SearchClient, stand_in: StandIn, stand_in_collection: Callable[..., Any]
) -> None:
    for name in ('"}\n# ', "a/b", "ü %2F?#", ".."):
        stand_in.collections[name] = stand_in_collection(count=3)
        index = await client.index(name)
        assert index is not None
        assert index.points == 3

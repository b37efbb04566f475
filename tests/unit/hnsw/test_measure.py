"""One query against a stand-in whose right answers are known."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest

from vectorwatch.hnsw.client import Mode, SearchClient
from vectorwatch.hnsw.index import DenseVector
from vectorwatch.hnsw.measure import Comparison, Discard, compare, find_truth
from vectorwatch.hnsw.recall import Recall
from vectorwatch.hnsw.subject import Subject
from vectorwatch.serve.http_client import JsonClient

if TYPE_CHECKING:
    from .conftest import ManualClock, StandIn

VECTOR = DenseVector("", 8, True, 8 * 4, 16, 0, 0, False)
SUBJECT = Subject("docs", VECTOR, "", (16, 64), (10,), 0.9)


@pytest.fixture
async def client(
    stand_in: StandIn, serve_stand_in: Callable[..., str], clock: ManualClock
) -> AsyncIterator[SearchClient]:
    async with aiohttp.ClientSession() as session:
        http = JsonClient(session, serve_stand_in(stand_in))
        yield SearchClient(http, 5.0, clock, lambda _mode, _seconds: None)


async def measure(client: SearchClient, subject: Subject = SUBJECT) -> Comparison | Discard:
    seen: list[Any] = []

    def observe(*given: Any) -> None:
        seen.append(given[:3])

    truth = await find_truth(client, subject, array("f", np.full(8, 0.5)), 1, observe)
    outcome = await compare(client, subject, truth, observe)
    assert seen[0] == (Mode.EXACT, None, subject.largest_k)
    return outcome


async def test_each_ef_has_its_recall(client: SearchClient) -> None:
    assert await measure(client) == {(16, 10): Recall(9, 10), (64, 10): Recall(10, 10)}


async def test_each_k_is_judged_by_its_own_neighbours(client: SearchClient) -> None:
    outcome = await measure(client, replace(SUBJECT, k=(1, 5)))
    assert outcome == {
        (16, 1): Recall(1, 1),
        (16, 5): Recall(4, 5),
        (64, 1): Recall(1, 1),
        (64, 5): Recall(5, 5),
    }


async def test_distances_are_judged_the_other_way_round(client: SearchClient, stand_in: StandIn) -> None:
    stand_in.collections["docs"].larger_is_better = False
    outcome = await measure(client, replace(SUBJECT, vector=replace(VECTOR, larger_is_better=False)))
    assert outcome == {(16, 10): Recall(9, 10), (64, 10): Recall(10, 10)}


async def test_duplicates_of_a_missed_neighbour_are_hits(client: SearchClient, stand_in: StandIn) -> None:
    docs = stand_in.collections["docs"]
    docs.vectors = np.repeat(docs.vectors[:100], 20, axis=0)  # every neighbour twenty times
    assert await measure(client) == {(16, 10): Recall(10, 10), (64, 10): Recall(10, 10)}


async def test_fewer_points_than_k_are_all_expected(client: SearchClient, stand_in: StandIn) -> None:
    docs = stand_in.collections["docs"]
    docs.vectors = docs.vectors[:4]
    assert await measure(client) == {(16, 10): Recall(3, 4), (64, 10): Recall(4, 4)}


async def test_no_exact_result_is_no_sample(client: SearchClient, stand_in: StandIn) -> None:
    docs = stand_in.collections["docs"]
    docs.vectors = docs.vectors[:0]
    assert await measure(client) is Discard.NO_RESULT


async def test_nothing_is_asked_again_when_nothing_was_missed(
    client: SearchClient, stand_in: StandIn
) -> None:
    await measure(client, replace(SUBJECT, ef=(64,)))
    assert stand_in.searches() == 2


async def test_only_what_was_missed_is_scored_again(client: SearchClient, stand_in: StandIn) -> None:
    await measure(client)
    path, body = stand_in.requests[-1][1:]
    assert path == "/collections/docs/points/query"
    assert body["params"] == {"exact": True}
    assert [len(condition["has_id"]) for condition in body["filter"]["must"]] == [1]


def rewrite(stand_in: StandIn, change: Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], None]) -> None:
    """Change the stored vectors right after the first exact search; `change` gets them and their ranking."""
    docs = stand_in.collections["docs"]

    def write() -> None:
        docs.after_exact = lambda: None
        change(docs.vectors, np.argsort(-(docs.vectors @ np.full(8, 0.5))))

    docs.after_exact = write


async def test_a_neighbour_deleted_between_the_searches_discards_the_query(
    client: SearchClient, stand_in: StandIn
) -> None:
    def delete(vectors: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> None:
        stand_in.collections["docs"].deleted.add(int(order[5]))

    rewrite(stand_in, delete)
    assert await measure(client) is Discard.WRITTEN_BETWEEN


async def test_a_neighbour_moved_away_between_the_searches_discards_the_query(
    client: SearchClient, stand_in: StandIn
) -> None:
    def move_away(vectors: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> None:
        vectors[order[5]] = -100.0

    rewrite(stand_in, move_away)
    assert await measure(client) is Discard.WRITTEN_BETWEEN


async def test_a_nearer_point_inserted_between_the_searches_discards_the_query(
    client: SearchClient, stand_in: StandIn
) -> None:
    def insert(vectors: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> None:
        vectors[order[-1]] = 100.0

    rewrite(stand_in, insert)
    assert await measure(client) is Discard.WRITTEN_BETWEEN


async def test_a_neighbour_that_moved_a_little_discards_the_query(
    client: SearchClient, stand_in: StandIn
) -> None:
    def move(vectors: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> None:
        vectors[order[2]] *= 1.0005

    rewrite(stand_in, move)
    assert await measure(client) is Discard.WRITTEN_BETWEEN


async def test_a_write_far_away_discards_nothing(client: SearchClient, stand_in: StandIn) -> None:
    def write(vectors: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> None:
        vectors[order[-50:]] *= 1.1

    rewrite(stand_in, write)
    assert await measure(client) == {(16, 10): Recall(9, 10), (64, 10): Recall(10, 10)}


async def test_estimated_scores_of_quantized_vectors_decide_nothing(
    client: SearchClient, stand_in: StandIn
) -> None:
    """A stand-in for a rough quantization: it finds the right points but reports wrong scores."""
    docs = stand_in.collections["docs"]
    search = docs.search

    def estimate(body: dict[str, Any]) -> list[dict[str, Any]]:
        found = search(body)
        exact = body["params"].get("exact")
        return found if exact else [point | {"score": point["score"] * 1.3} for point in found]

    docs.search = estimate  # type: ignore[method-assign]
    quantized = replace(SUBJECT, vector=replace(VECTOR, quantized=True))
    assert await measure(client, quantized) == {(16, 10): Recall(9, 10), (64, 10): Recall(10, 10)}
    assert await measure(client) is Discard.WRITTEN_BETWEEN

"""Searching, scrolling and counting through the unchanged qdrant-client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient, models

from .conftest import Engine, make_point

VECTORS = {1: [1.0, 0.0], 2: [0.8, 0.6], 3: [0.0, 1.0], 4: [-1.0, 0.0]}
PAYLOADS: dict[int, dict[str, Any]] = {
    1: {"color": "red", "n": 1, "tags": ["a", "b"], "place": {"lon": 7.4, "lat": 46.9}},
    2: {"color": "red", "n": 2, "text": "the quick fox", "when": "2026-01-02T00:00:00Z"},
    3: {"color": "blue", "n": 3.5, "parts": [{"kind": "x", "size": 1}, {"kind": "y", "size": 9}]},
    4: {"n": None},
}


@pytest.fixture(scope="module")
def squares(engine: Engine) -> Iterator[QdrantClient]:
    client = engine.connect()
    client.create_collection(
        "squares", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    points = [make_point(n, VECTORS[n], PAYLOADS[n]) for n in VECTORS]
    client.upsert("squares", points)
    client.create_payload_index("squares", "n", models.PayloadSchemaType.FLOAT)
    yield client
    client.close()


def _ids(answer: models.QueryResponse) -> list[object]:
    return [point.id for point in answer.points]


def test_nearest_by_vector_is_ordered_with_scores(squares: QdrantClient) -> None:
    found = squares.query_points("squares", query=[1.0, 0.0]).points
    assert [(one.id, round(one.score, 5)) for one in found] == [(1, 1.0), (2, 0.8), (3, 0.0), (4, -1.0)]
    assert found[0].payload == {
        "color": "red",
        "n": 1,
        "tags": ["a", "b"],
        "place": {"lon": 7.4, "lat": 46.9},
    }
    assert found[0].vector is None


def test_limit_offset_threshold_payload_and_vector_selection(squares: QdrantClient) -> None:
    assert _ids(squares.query_points("squares", query=[1.0, 0.0], limit=2, offset=1)) == [2, 3]
    assert _ids(squares.query_points("squares", query=[1.0, 0.0], score_threshold=0.5)) == [1, 2]
    (first,) = squares.query_points(
        "squares", query=[1.0, 0.0], limit=1, with_payload=["color"], with_vectors=True
    ).points
    assert (first.payload, first.vector) == ({"color": "red"}, [1.0, 0.0])
    (bare,) = squares.query_points(
        "squares",
        query=[1.0, 0.0],
        limit=1,
        with_payload=models.PayloadSelectorExclude(exclude=["color", "tags"]),
    ).points
    assert set(bare.payload or {}) == {"n", "place"}


def test_nearest_by_id_leaves_the_point_itself_out(squares: QdrantClient) -> None:
    assert _ids(squares.query_points("squares", query=1)) == [2, 3, 4]
    red = models.Filter(must=[models.FieldCondition(key="color", match=models.MatchValue(value="red"))])
    assert _ids(squares.query_points("squares", query=1, query_filter=red)) == [2]


def test_nearest_by_unknown_id_is_404(http: httpx.Client, squares: QdrantClient) -> None:
    answer = http.post("/collections/squares/points/query", json={"query": 99})
    assert answer.status_code == 404
    assert answer.json()["status"]["error"] == "Not found: No point with id 99 found"


def test_random_sample_returns_stored_vectors(squares: QdrantClient) -> None:
    sample = models.SampleQuery(sample=models.Sample.RANDOM)
    found = squares.query_points("squares", query=sample, limit=3, with_vectors=True).points
    assert len({one.id for one in found}) == 3
    assert all(one.vector == pytest.approx(VECTORS[int(one.id)]) for one in found)


def test_order_by_and_scroll_pages(squares: QdrantClient) -> None:
    by_n = models.OrderByQuery(order_by=models.OrderBy(key="n", direction=models.Direction.DESC))
    assert _ids(squares.query_points("squares", query=by_n)) == [3, 2, 1]
    first, following = squares.scroll("squares", limit=3)
    assert ([one.id for one in first], following) == ([1, 2, 3], 4)
    last, end = squares.scroll("squares", limit=3, offset=following, with_vectors=True, with_payload=False)
    assert [(one.id, one.vector, one.payload) for one in last] == [(4, [-1.0, 0.0], None)]
    assert end is None


def test_prefetches_are_fused(squares: QdrantClient) -> None:
    prefetch = [models.Prefetch(query=[0.0, 1.0], limit=1), models.Prefetch(query=[1.0, 0.0], limit=2)]
    fused = squares.query_points(
        "squares", prefetch=prefetch, query=models.FusionQuery(fusion=models.Fusion.RRF)
    )
    assert set(_ids(fused)) == {1, 2, 3}


def test_batch_answers_each_search(squares: QdrantClient) -> None:
    requests = [models.QueryRequest(query=VECTORS[n], limit=1) for n in (3, 4)]
    answers = squares.query_batch_points("squares", requests)
    assert [_ids(answer) for answer in answers] == [[3], [4]]


def test_older_search_route_answers_a_bare_list(http: httpx.Client, squares: QdrantClient) -> None:
    answer = http.post("/collections/squares/points/search", json={"vector": [0.0, 1.0], "limit": 1})
    assert [one["id"] for one in answer.json()["result"]] == [3]


def test_named_vector_is_searched_by_using(client: QdrantClient) -> None:
    client.create_collection(
        "places",
        vectors_config={
            "near": models.VectorParams(size=2, distance=models.Distance.EUCLID),
            "far": models.VectorParams(size=1, distance=models.Distance.EUCLID),
        },
    )
    client.upsert(
        "places",
        [
            make_point(1, {"near": [0, 0], "far": [9]}),
            make_point(2, {"near": [3, 4], "far": [1]}),
        ],
    )
    found = client.query_points("places", query=[0.0, 0.0], using="near", with_vectors=["far"]).points
    assert [(one.id, one.score, one.vector) for one in found] == [
        (1, 0.0, {"far": [9.0]}),
        (2, 5.0, {"far": [1.0]}),
    ]
    assert _ids(client.query_points("places", query=1, using="far")) == [2]


Condition = models.FieldCondition
CONDITIONS: dict[str, tuple[models.Filter, set[int]]] = {
    "must": (models.Filter(must=[Condition(key="color", match=models.MatchValue(value="red"))]), {1, 2}),
    "should": (
        models.Filter(
            should=[
                Condition(key="color", match=models.MatchValue(value="blue")),
                Condition(key="n", match=models.MatchValue(value=1)),
            ]
        ),
        {1, 3},
    ),
    "must_not": (
        models.Filter(must_not=[Condition(key="color", match=models.MatchValue(value="red"))]),
        {3, 4},
    ),
    "any": (models.Filter(must=[Condition(key="tags", match=models.MatchAny(any=["b", "z"]))]), {1}),
    "except": (
        models.Filter(must=[Condition(key="color", match=models.MatchExcept(**{"except": ["red"]}))]),
        {3},
    ),
    "text": (models.Filter(must=[Condition(key="text", match=models.MatchText(text="quick"))]), {2}),
    "range": (models.Filter(must=[Condition(key="n", range=models.Range(gt=1, lte=3.5))]), {2, 3}),
    "time": (
        models.Filter(
            must=[Condition(key="when", range=models.DatetimeRange(gte=datetime(2026, 1, 1, tzinfo=UTC)))]
        ),
        {2},
    ),
    "values_count": (
        models.Filter(must=[Condition(key="tags", values_count=models.ValuesCount(gte=2))]),
        {1},
    ),
    "is_empty": (
        models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="color"))]),
        {4},
    ),
    "is_null": (models.Filter(must=[models.IsNullCondition(is_null=models.PayloadField(key="n"))]), {4}),
    "has_id": (models.Filter(must=[models.HasIdCondition(has_id=[2, 4, 99])]), {2, 4}),
    "geo": (
        models.Filter(
            must=[
                Condition(
                    key="place",
                    geo_radius=models.GeoRadius(center=models.GeoPoint(lon=7.4, lat=46.9), radius=100.0),
                )
            ]
        ),
        {1},
    ),
    "nested": (
        models.Filter(
            must=[
                models.NestedCondition(
                    nested=models.Nested(
                        key="parts",
                        filter=models.Filter(
                            must=[
                                Condition(key="kind", match=models.MatchValue(value="y")),
                                Condition(key="size", range=models.Range(gt=5)),
                            ]
                        ),
                    )
                )
            ]
        ),
        {3},
    ),
    "filter in filter": (
        models.Filter(
            must=[
                models.Filter(should=[models.HasIdCondition(has_id=[1]), models.HasIdCondition(has_id=[3])]),
                Condition(key="color", match=models.MatchValue(value="blue")),
            ]
        ),
        {3},
    ),
    "min_should": (
        models.Filter(
            min_should=models.MinShould(
                conditions=[
                    Condition(key="color", match=models.MatchValue(value="red")),
                    Condition(key="n", range=models.Range(lt=2)),
                ],
                min_count=2,
            )
        ),
        {1},
    ),
}


@pytest.mark.parametrize(("wanted", "ids"), CONDITIONS.values(), ids=CONDITIONS)
def test_filter_selects(squares: QdrantClient, wanted: models.Filter, ids: set[int]) -> None:
    assert set(_ids(squares.query_points("squares", query=[1.0, 0.0], query_filter=wanted))) == ids
    assert squares.count("squares", count_filter=wanted, exact=True).count == len(ids)
    scrolled, _ = squares.scroll("squares", scroll_filter=wanted)
    assert {one.id for one in scrolled} == ids


BAD_SEARCHES = {
    "wrong dimension": ({"query": [1.0]}, "expected dim: 2, got 1"),
    "unknown vector": ({"query": [1.0, 0.0], "using": "x"}, "Not existing vector name error: x"),
    "limit as text": ({"query": [1.0, 0.0], "limit": "ten"}, "expected an integer"),
    "negative ef": ({"query": [1.0, 0.0], "params": {"hnsw_ef": -1}}, "must be 0 or larger"),
    "limit zero": ({"query": [1.0, 0.0], "limit": 0}, "must be 1 or larger"),
    "exact as text": ({"query": [1.0, 0.0], "params": {"exact": "yes"}}, "expected a boolean"),
    "no test": ({"filter": {"must": [{"key": "n"}]}}, "a field condition needs"),
    "broken key": ({"filter": {"must": [{"key": "a[", "match": {"value": 1}}]}}, "invalid JSON path"),
    "order without index": ({"query": {"order_by": "color"}}, "order_by"),
    "recommend": ({"query": {"recommend": {"positive": [1]}}}, "recommend is not offered"),
    "text to embed": ({"query": {"text": "hi", "model": "m"}}, "not offered"),
    "unknown fusion": ({"query": {"fusion": "cold"}}, "unknown variant `cold`"),
}


@pytest.mark.parametrize(("body", "words"), BAD_SEARCHES.values(), ids=BAD_SEARCHES)
def test_bad_search_is_refused_in_words(
    http: httpx.Client, squares: QdrantClient, body: dict[str, object], words: str
) -> None:
    answer = http.post("/collections/squares/points/query", json=body)
    assert answer.status_code in (400, 422)
    assert words in answer.json()["status"]["error"]

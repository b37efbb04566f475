"""What strict mode refuses, alone and through the unchanged qdrant-client."""

from __future__ import annotations

import httpx
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import UnexpectedResponse

from vectorwatch.demo.engine.errors import BadRequest, RateLimited
from vectorwatch.demo.engine.fields import Fields
from vectorwatch.demo.engine.strict_mode import RateLimiter, StrictMode

from .conftest import make_point


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_bucket_starts_full_and_refills_by_the_minute() -> None:
    clock = Clock()
    limiter = RateLimiter("Read", 2, clock)
    limiter.consume(1)
    limiter.consume(1)
    with pytest.raises(RateLimited, match=r"only 0.0 were available. Retry after 30s") as caught:
        limiter.consume(1)
    assert caught.value.headers == {"Retry-After": "30"}
    clock.now += 30
    limiter.consume(1)


def test_bucket_never_holds_more_than_a_minute() -> None:
    clock = Clock()
    limiter = RateLimiter("Read", 2, clock)
    clock.now += 3600
    limiter.consume(2)
    with pytest.raises(RateLimited):
        limiter.consume(1)


def test_request_above_the_capacity_is_told_to_split() -> None:
    with pytest.raises(RateLimited, match="please try to split your request") as caught:
        RateLimiter("Write", 2, Clock()).consume(3)
    assert caught.value.headers == {}


def test_rules_without_enabled_refuse_nothing() -> None:
    strict = StrictMode({"search_allow_exact": False, "max_query_limit": 1, "read_rate_limit": 1})
    for _ in range(3):
        strict.check_read(Fields({"params": {"exact": True}}), limit=100)


@pytest.mark.parametrize(
    ("rules", "body", "limit", "words"),
    [
        (
            {"search_allow_exact": False},
            {"params": {"exact": True}},
            10,
            r"Exact search disabled!. Help: Set exact=false.",
        ),
        ({"search_max_hnsw_ef": 64}, {"params": {"hnsw_ef": 65}}, 10, 'Limit exceeded 65 > 64 for "hnsw_ef"'),
        ({"max_query_limit": 9}, {}, 10, 'Limit exceeded 10 > 9 for "limit"'),
        (
            {"search_max_oversampling": 1.5},
            {"params": {"quantization": {"oversampling": 2.0}}},
            10,
            'Limit exceeded 2.0 > 1.5 for "oversampling"',
        ),
    ],
)
def test_rule_refuses_in_qdrants_words(
    rules: dict[str, object], body: dict[str, object], limit: int, words: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        StrictMode(rules | {"enabled": True}).check_read(Fields(body), limit)
    assert words in str(caught.value)


def test_filter_conditions_cost_tokens() -> None:
    strict = StrictMode({"enabled": True, "read_rate_limit": 3}, Clock())
    condition = {"key": "a", "match": {"value": 1}}
    strict.check_read(Fields({"filter": {"must": [condition, {"should": [condition]}]}}))
    with pytest.raises(RateLimited):
        strict.check_read(Fields({}))


@pytest.fixture
def guarded(client: QdrantClient) -> QdrantClient:
    if not client.collection_exists("guarded"):
        rules = models.StrictModeConfig(
            enabled=True, search_allow_exact=False, search_max_hnsw_ef=128, max_query_limit=20
        )
        vectors = models.VectorParams(size=2, distance=models.Distance.DOT)
        client.create_collection("guarded", vectors_config=vectors, strict_mode_config=rules)
        client.upsert("guarded", [make_point(1, [1, 0])])
    return client


@pytest.mark.parametrize(
    ("limit", "params", "words"),
    [
        (10, models.SearchParams(exact=True), "Exact search disabled"),
        (10, models.SearchParams(hnsw_ef=129), "hnsw_ef"),
        (21, None, "limit"),
    ],
    ids=["exact", "ef", "limit"],
)
def test_server_refuses_with_400(
    guarded: QdrantClient, limit: int, params: models.SearchParams | None, words: str
) -> None:
    with pytest.raises(UnexpectedResponse, match=words) as caught:
        guarded.query_points("guarded", query=[1.0, 0.0], limit=limit, search_params=params)
    assert caught.value.status_code == 400
    allowed = models.SearchParams(hnsw_ef=128)
    assert guarded.query_points("guarded", query=[1.0, 0.0], limit=20, search_params=allowed).points


def test_server_answers_429_with_retry_after(http: httpx.Client, client: QdrantClient) -> None:
    rules = models.StrictModeConfig(enabled=True, read_rate_limit=1)
    vectors = models.VectorParams(size=2, distance=models.Distance.DOT)
    client.create_collection("scarce", vectors_config=vectors, strict_mode_config=rules)
    client.query_points("scarce", query=[1.0, 0.0])
    answer = http.post("/collections/scarce/points/query", json={"query": [1.0, 0.0]})
    assert answer.status_code == 429
    assert answer.json()["status"]["error"].startswith("Rate limiting exceeded: Read rate limit exceeded")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    with pytest.raises(ResourceExhaustedResponse):
        client.query_points("scarce", query=[1.0, 0.0])


@pytest.mark.parametrize(
    ("rules", "status"),
    [({"max_query_limit": "ten"}, 400), ({"enabled": 1}, 400), ({"read_rate_limit": 0}, 422), ([], 400)],
)
def test_rules_that_cannot_be_are_refused(http: httpx.Client, rules: object, status: int) -> None:
    body = {"vectors": {"size": 2, "distance": "Dot"}, "strict_mode_config": rules}
    assert http.put("/collections/unruly", json=body).status_code == status

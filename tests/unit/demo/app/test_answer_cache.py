from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Any

import pytest
import redis

from vectorwatch.demo.app.answer_cache import AnswerCache, Failures, answer_key


@pytest.fixture
def port(start_valkey: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> int:
    # A cache that is there is waited for, however busy the machine.
    monkeypatch.setattr("vectorwatch.demo.app.answer_cache._TIMEOUT_SECONDS", 30.0)
    found: int = start_valkey().port
    return found


@pytest.fixture
async def cache(port: int) -> AsyncIterator[AnswerCache]:
    found = AnswerCache(f"redis://127.0.0.1:{port}", answer_seconds=60, entries=3)
    yield found
    await found.close()


async def test_what_was_put_is_found_with_its_age(cache: AnswerCache) -> None:
    assert await cache.get("k", "quick") is None
    await cache.put("k", "quick", {"answer": "yes"})
    found = await cache.get("k", "quick")
    assert found is not None
    assert found.answer == {"answer": "yes"}
    assert 0 <= found.age_seconds < 60


async def test_the_oldest_give_way_and_the_count_stays_below_the_capacity(cache: AnswerCache) -> None:
    for number in range(5):
        await cache.put(f"k{number}", "quick", {})
    assert [await cache.get(f"k{number}", "quick") is not None for number in range(5)] == [
        *(False, False),
        *(True, True, True),
    ]
    assert await cache.check() == {"answers": 3, "capacity": 3}


async def test_answers_expire(port: int) -> None:
    cache = AnswerCache(f"redis://127.0.0.1:{port}", answer_seconds=7, entries=3)
    await cache.put("k", "quick", {})
    with closing(redis.Redis(port=port)) as client:
        assert 0 < client.ttl("k") <= 7
    await cache.close()


async def test_a_new_corpus_forgets_every_answer_and_no_document(cache: AnswerCache) -> None:
    await cache.put("k", "quick", {})
    await cache.put_document("recall", "about recall")
    await cache.invalidate()
    assert await cache.get("k", "quick") is None
    assert await cache.get_document("recall") == "about recall"
    await cache.forget_documents()
    assert await cache.get_document("recall") is None


async def test_a_cache_that_hangs_is_a_failure_and_not_a_wait(raw_server: Callable[..., int]) -> None:
    cache = AnswerCache(f"redis://127.0.0.1:{raw_server(b'', hold=True)}", answer_seconds=1, entries=1)
    async with asyncio.timeout(20):
        with pytest.raises(Failures):
            await cache.get("k", "quick")
    await cache.close()


async def test_a_cache_that_is_gone_is_a_failure(free_port: Callable[[], int]) -> None:
    cache = AnswerCache(f"redis://127.0.0.1:{free_port()}", answer_seconds=1, entries=1)
    with pytest.raises(Failures):
        await cache.put("k", "quick", {})
    await cache.close()


def test_the_key_is_made_of_the_words_that_matter_and_the_mode() -> None:
    assert answer_key("How do I fix RECALL?", "quick") == answer_key("how can I fix recall", "quick")
    assert answer_key("fix recall", "quick") != answer_key("fix recall", "agent")
    assert answer_key("fix recall", "quick") != answer_key("recall fix", "quick")

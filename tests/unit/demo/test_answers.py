from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from vectorwatch.demo.answers import Answers
from vectorwatch.demo.ports import find_free_ports

ANSWER = [{"id": 7, "score": 0.5, "payload": {"topic": "travel"}}]


@pytest.fixture
def server(start_valkey: Callable[..., Any]) -> Any:
    return start_valkey()


@pytest.fixture
def answers(server: Any) -> Iterator[Answers]:
    cache = Answers(f"redis://127.0.0.1:{server.port}", choose_seconds=lambda: 30)
    yield cache
    cache.close()


def test_an_answer_comes_back_as_it_was(answers: Answers) -> None:
    answers.put("answer:1", ANSWER)
    assert answers.get("answer:1") == ANSWER


def test_what_was_never_kept_is_nothing(answers: Answers) -> None:
    assert answers.get("answer:2") is None


def test_an_answer_expires(answers: Answers, server: Any) -> None:
    answers.put("answer:1", ANSWER)
    with redis.Redis(port=server.port) as client:
        assert 0 < client.ttl("answer:1") <= 30


def test_a_cache_that_is_gone_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda seconds: pytest.fail(f"waited {seconds} s"))
    cache = Answers(f"redis://127.0.0.1:{find_free_ports(1)[0]}", choose_seconds=lambda: 30)
    with pytest.raises(redis.RedisError):
        cache.get("answer:1")
    cache.close()


def test_a_cache_that_hangs_fails_within_its_timeout(raw_server: Callable[..., int]) -> None:
    cache = Answers(f"redis://127.0.0.1:{raw_server(b'', hold=True)}", choose_seconds=lambda: 30)
    with pytest.raises(redis.RedisError):
        cache.get("answer:1")
    cache.close()

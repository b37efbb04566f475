"""Calls of language models: tokens, cost, what the cache saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.instrument import track
from vectorwatch.instrument.prices import load_prices

MODEL = "gpt-4o-mini"
COST = "vital_estimated_cost_dollars_total"


def expected(input_tokens: int, output_tokens: int) -> Any:
    price = load_prices()[MODEL]
    return pytest.approx(input_tokens * price.input + output_tokens * price.output)


def test_a_call_counts_its_tokens_and_their_cost_to_mode_and_tenant(readings: Any) -> None:
    with track.llm_call(MODEL, mode="chat", tenant_id="acme") as call:
        call.tokens(input=1200, output=350)
    labels = {"mode": "chat", "model": MODEL}
    assert readings.added("vital_llm_api_calls_total", **labels, cached="false", status="success") == 1
    assert readings.added("vital_llm_tokens_used_total", **labels, token_type="input") == 1200
    assert readings.added("vital_llm_tokens_used_total", **labels, token_type="output") == 350
    assert readings.added("vital_llm_call_duration_seconds_count", **labels) == 1
    assert readings.added(COST, component="llm", mode="chat", tenant_id="acme") == expected(1200, 350)


def test_tokens_that_stream_in_add_up(readings: Any) -> None:
    with track.llm_call(MODEL) as call:
        call.tokens(input=10)
        call.tokens(output=1)
        call.tokens(output=1)
    assert readings.added(COST, component="llm", mode="", tenant_id="") == expected(10, 2)


def test_a_cached_call_uses_no_tokens_and_its_cost_is_saved(readings: Any) -> None:
    with track.llm_call(MODEL, mode="chat", tenant_id="acme", cached=True) as call:
        call.tokens(input=1200, output=350)
    labels = {"component": "llm", "mode": "chat", "tenant_id": "acme"}
    assert readings.added("vital_cache_cost_saved_dollars_total", **labels) == expected(1200, 350)
    assert set(readings.grown("vital_")) == {
        "vital_llm_api_calls_total",
        "vital_cache_cost_saved_dollars_total",
    }


def test_the_cost_of_an_unknown_model_is_not_guessed(readings: Any) -> None:
    with track.llm_call("gpt-4o-mini-2031-01-01") as call:
        call.tokens(input=7, output=3)
    labels = {"model": "gpt-4o-mini-2031-01-01"}
    assert readings.grown(COST) == {}
    assert readings.added("vital_llm_unpriced_tokens_total", **labels, token_type="input") == 7
    assert readings.added("vital_llm_unpriced_tokens_total", **labels, token_type="output") == 3
    assert readings.added("vital_llm_tokens_used_total", **labels, mode="", token_type="input") == 7


def test_tokens_of_a_call_that_fails_later_are_paid_all_the_same(readings: Any) -> None:
    @track.llm_call(MODEL, mode="chat")
    def fail() -> None:
        raise ConnectionError

    def pay_and_fail() -> None:
        with track.llm_call(MODEL, mode="chat") as call:
            call.tokens(input=100)
            raise ConnectionError

    for function in (fail, pay_and_fail):
        with pytest.raises(ConnectionError):
            function()
    labels = {"mode": "chat", "model": MODEL}
    assert readings.added("vital_llm_api_calls_total", **labels, cached="false", status="error") == 2
    assert readings.added(COST, component="llm", mode="chat", tenant_id="") == expected(100, 0)


async def test_the_first_token_is_timed_from_the_start_of_the_call(readings: Any) -> None:
    async with track.llm_call(MODEL, mode="chat") as call:
        await asyncio.sleep(0.01)
        call.first_token()
    labels = {"mode": "chat", "model": MODEL}
    assert readings.added("vital_llm_time_to_first_token_seconds_count", **labels) == 1
    assert readings.added("vital_llm_time_to_first_token_seconds_sum", **labels) >= 0.01


def test_only_the_first_token_of_a_call_is_timed_and_none_of_a_cached_one(readings: Any) -> None:
    with track.llm_call(MODEL, mode="chat") as call:
        call.first_token()
        call.first_token()
    with track.llm_call(MODEL, mode="chat", cached=True) as call:
        call.first_token()
    labels = {"mode": "chat", "model": MODEL}
    assert readings.added("vital_llm_time_to_first_token_seconds_count", **labels) == 1


def test_the_span_follows_the_conventions_for_generative_ai(spans: Callable[[], list[Any]]) -> None:
    with track.llm_call(MODEL, provider="openai") as call:
        call.tokens(input=12, output=3)
    span = spans()[0]
    assert span.name == "chat"
    assert dict(span.attributes) == {
        "gen_ai.provider.name": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": MODEL,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "vectorwatch.llm.cached": False,
    }

"""Fields follow a block and a request, through tasks and threads, and end with them."""

from __future__ import annotations

import asyncio
from contextvars import copy_context

from vectorwatch.log_lines.fields import (
    annotate_request,
    begin_request,
    current_fields,
    end_request,
    log_context,
)


def test_blocks_nest_and_the_innermost_wins() -> None:
    with log_context(component="search", operation="query"):
        with log_context(operation="rerank", cache_hit=True):
            assert current_fields() == {"component": "search", "operation": "rerank", "cache_hit": True}
        assert current_fields() == {"component": "search", "operation": "query"}
    assert current_fields() == {}


async def test_two_tasks_do_not_see_each_other() -> None:
    async def work(name: str) -> object:
        with log_context(component=name):
            await asyncio.sleep(0)
            return current_fields()["component"]

    assert list(await asyncio.gather(work("a"), work("b"))) == ["a", "b"]


async def test_a_thread_of_the_request_sees_its_fields() -> None:
    token = begin_request({"request_id": "r"})
    try:
        assert (await asyncio.to_thread(current_fields))["request_id"] == "r"
    finally:
        end_request(token)


async def test_what_is_noted_in_a_thread_stands_on_the_request() -> None:
    token = begin_request({})
    await asyncio.to_thread(annotate_request, cache_hit=True)
    assert current_fields() == {"cache_hit": True}
    with log_context(cache_hit=False):
        assert current_fields() == {"cache_hit": False}
    end_request(token)


def test_outside_of_a_request_a_note_is_nothing() -> None:
    annotate_request(cache_hit=True)
    assert current_fields() == {}


def test_a_block_that_ends_in_another_context_breaks_nothing() -> None:
    block = log_context(component="search")
    copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    block.__exit__(None, None, None)
    assert current_fields() == {}

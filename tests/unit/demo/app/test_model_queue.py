from __future__ import annotations

import asyncio

import pytest

from vectorwatch.demo.app.model_queue import ModelQueue


async def hold(queue: ModelQueue, end: asyncio.Event, order: list[int], number: int) -> None:
    async with queue.turn():
        order.append(number)
        await end.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_run_and_the_others_wait_in_the_order_in_which_they_came() -> None:
    queue, end, order = ModelQueue("test", workers=2), asyncio.Event(), list[int]()
    tasks = [asyncio.ensure_future(hold(queue, end, order, number)) for number in range(5)]
    await settle()
    assert (order, queue.busy, queue.length) == ([0, 1], 2, 3)
    end.set()
    await asyncio.gather(*tasks)
    assert (order, queue.busy, queue.length) == ([0, 1, 2, 3, 4], 0, 0)


async def test_more_workers_let_those_who_wait_in() -> None:
    queue, end, order = ModelQueue("test", workers=1), asyncio.Event(), list[int]()
    tasks = [asyncio.ensure_future(hold(queue, end, order, number)) for number in range(3)]
    await settle()
    queue.workers = 3
    await settle()
    assert (queue.workers, queue.busy, queue.length) == (3, 3, 0)
    end.set()
    await asyncio.gather(*tasks)


async def test_who_gives_up_waiting_leaves_no_gap() -> None:
    queue, end, order = ModelQueue("test", workers=1), asyncio.Event(), list[int]()
    tasks = [asyncio.ensure_future(hold(queue, end, order, number)) for number in range(3)]
    await settle()
    tasks[1].cancel()
    await settle()
    end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (order, queue.busy, queue.length) == ([0, 2], 0, 0)


async def test_who_is_admitted_and_cancelled_at_once_gives_the_turn_back() -> None:
    queue, end, order = ModelQueue("test", workers=1), asyncio.Event(), list[int]()
    first = asyncio.ensure_future(hold(queue, end, order, 0))
    second = asyncio.ensure_future(hold(queue, end, order, 1))
    await settle()
    first.cancel()  # admits the second, which is cancelled before it runs again
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert (queue.busy, queue.length) == (0, 0)


async def test_an_error_inside_gives_the_turn_back() -> None:
    queue = ModelQueue("test", workers=1)
    with pytest.raises(RuntimeError):
        async with queue.turn():
            raise RuntimeError
    assert queue.busy == 0

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import cast

import pytest

from vectorwatch.demo.app.background import Background
from vectorwatch.demo.app.pipeline import Pipeline


async def test_a_job_goes_on_after_what_nobody_expects_and_the_log_says_where(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background(cast(Pipeline, SimpleNamespace(parts=None)), 1.0, 1.0, random.Random(1))
    again = asyncio.Event()
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        if times > 1:
            again.set()
        raise KeyError("torn")

    task = asyncio.ensure_future(background._repeat("work", 0.001, work))
    async with asyncio.timeout(60):
        await again.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "work failed" in caplog.text
    assert "KeyError: 'torn'" in caplog.text

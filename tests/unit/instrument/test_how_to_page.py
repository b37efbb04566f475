"""The page that explains the library: its code runs, and its table of log fields is the one in the code."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.log_lines import formatter

PAGE = (Path(__file__).parents[3] / "docs/how-to/instrument-your-service.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```python\n(.+?)^```", PAGE)
TABLE = re.findall(r"(?m)^\| (.+) \| (.+) \|$", PAGE)


async def test_the_code_runs(
    ask: Callable[..., Awaitable[httpx.Response]], lines: Callable[..., list[dict[str, Any]]]
) -> None:
    names: dict[str, Any] = {}
    exec("\n".join(BLOCKS), names)  # noqa: S102 - the code of our own page
    assert (await ask(names["app"], "/answer?question=rice")).json() == "It is about rice."
    generated, access = (line for line in lines() if line["log"]["logger"] in ("rag", "vectorwatch.access"))
    assert (generated["message"], access["message"]) == ("generated", "GET /answer 200")
    assert {"component": "hyde", "operation": "generate", "cache_hit": False}.items() <= generated.items()
    assert generated["event"] == {"duration": 3_200_000}
    assert (await ask(names["app"], "/health/cache")).json()["metrics"] == {"entries": 120}
    assert "hyde_generation_duration_seconds_count" in (await ask(names["app"], "/metrics")).text


@pytest.mark.parametrize(("name", "field"), formatter.NAMES.items())
def test_each_field_with_another_name_is_in_the_table(name: str, field: str) -> None:
    assert [row for row in TABLE if f"`{name}`" in row[0] and f"`{field}`" in row[1]]

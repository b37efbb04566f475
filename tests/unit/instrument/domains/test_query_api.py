"""Queries: counted once, however they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from vectorwatch.instrument import track


def requests(readings: Any, status: str, collection: str = "docs") -> Any:
    return readings.added(
        "query_api_requests_total", operation="search", collection=collection, status=status
    )


def durations(readings: Any) -> Any:
    return readings.added("query_api_duration_seconds_count", operation="search", collection="docs")


def test_a_query_is_timed_and_counted(readings: Any) -> None:
    with track.query("search", "docs"):
        pass
    assert requests(readings, "success") == 1
    assert durations(readings) == 1


def test_an_error_is_counted_and_goes_on_to_the_caller(readings: Any) -> None:
    with pytest.raises(KeyError), track.query("search", "docs"):
        raise KeyError("x")
    assert requests(readings, "error") == 1
    assert requests(readings, "success") == 0
    assert durations(readings) == 1


async def test_a_cancelled_task_is_neither_success_nor_error_and_has_no_duration(readings: Any) -> None:
    begun = asyncio.Event()

    async def wait() -> None:
        async with track.query("search", "docs"):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert requests(readings, "cancelled") == 1
    assert requests(readings, "error") == 0
    assert durations(readings) == 0


async def test_a_decorated_coroutine_is_an_operation_at_each_call(readings: Any) -> None:
    @track.query("search", "docs")
    async def search(word: str) -> str:
        await asyncio.sleep(0)
        return word.upper()

    assert list(await asyncio.gather(search("a"), search("b"))) == ["A", "B"]
    assert requests(readings, "success") == 2


def test_a_decorated_function_keeps_its_name_and_its_result(readings: Any) -> None:
    @track.query("search", "docs")
    def search(word: str) -> str:
        return word.upper()

    assert (search("a"), search.__name__) == ("A", "search")
    assert requests(readings, "success") == 1


def test_thresholds_of_the_requirements_are_bounds_of_the_histogram(readings: Any) -> None:
    with track.query("search", "docs"):
        pass
    for bound in ("0.1", "0.5"):  # the aim and the alert
        assert readings.value(
            "query_api_duration_seconds_bucket", operation="search", collection="docs", le=bound
        )


def test_the_span_names_operation_and_collection_as_opentelemetry_does(
    spans: Callable[[], list[Any]],
) -> None:
    with track.query("search", "docs"):
        pass
    attributes = dict(spans()[0].attributes)
    assert attributes == {"db.operation.name": "search", "db.collection.name": "docs"}


def test_a_query_text_in_place_of_a_collection_becomes_other(readings: Any) -> None:
    with track.query("search", "how do I reset the password of anna@example.com"):
        pass
    assert requests(readings, "success", "other") == 1
    assert (
        readings.added(
            "vectorwatch_instrument_label_values_refused_total",
            metric="query_api_requests_total",
            label="collection",
            reason="personal",
        )
        == 1
    )

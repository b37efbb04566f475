"""HyDE: look-ups and generations."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vectorwatch.instrument import track


def test_each_look_up_is_one_request_and_either_hit_or_miss(readings: Any) -> None:
    track.hyde_cache(hit=True)
    track.hyde_cache(hit=True)
    track.hyde_cache(hit=False)
    assert readings.grown("hyde_cache") == {
        "hyde_cache_requests_total": 3,
        "hyde_cache_hits_total": 2,
        "hyde_cache_misses_total": 1,
    }


def test_a_generation_is_timed_whether_it_works_or_not(readings: Any) -> None:
    with track.hyde_generation():
        pass
    with pytest.raises(ValueError, match="no answer"), track.hyde_generation():
        raise ValueError("no answer")
    assert readings.grown("hyde_generation") == {"hyde_generation_duration_seconds_count": 2}


def test_a_generation_that_is_cancelled_has_no_duration(readings: Any) -> None:
    with pytest.raises(asyncio.CancelledError), track.hyde_generation():
        raise asyncio.CancelledError
    assert readings.grown("hyde_generation") == {}

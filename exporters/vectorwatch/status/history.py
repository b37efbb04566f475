"""The last day of the most telling numbers, for the page."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from vectorwatch.errors import TargetError
from vectorwatch.serve.http_client import JsonClient, answer_within

HOURS = 24
_STEP_SECONDS = 900
_FRESH_SECONDS = 60.0
_MEBIBYTE = "2 ^ 20"


@dataclass(frozen=True, slots=True)
class Subject:
    """What has a history: PromQL for one series without labels.

    `target` is the key of `throughput_targets` that says how much of it there is to be.
    """

    title: str
    unit: str
    query: str
    target: str = ""


SUBJECTS = (
    Subject("Search latency p95", "ms", "1000 * max(instance:qdrant_search_duration_seconds:p95_5m)"),
    Subject("Searches", "/s", "sum(instance:search_requests:rate5m)", "searches"),
    Subject(
        "Inferences of models",
        "/s",
        "sum(rate(model_inference_duration_seconds_count[5m]))",
        "inferences",
    ),
    Subject("Cache commands", "/s", "sum(rate(dragonfly_command_calls_total[5m]))", "cache_commands"),
    Subject("Database queries", "/s", "sum(rate(db_query_duration_seconds_count[5m]))", "database_queries"),
    Subject("Recall, worst collection", "%", "100 * min(hnsw:recall:ratio)"),
    Subject("Cache hit rate", "%", "100 * min(dragonfly_cache_hit_rate)"),
    Subject("Vector store memory", "MiB", f"sum(qdrant_memory_usage_bytes) / {_MEBIBYTE}"),
    Subject("Cache memory", "MiB", f"sum(dragonfly_memory_usage_bytes) / {_MEBIBYTE}"),
    Subject("VRAM, fullest card", "%", "100 * max(gpu_vram_utilization_ratio)"),
    Subject("Applications' latency p95", "ms", "1000 * max(http_request_duration_seconds_p95)"),
    Subject("Critical alerts", "", 'count(ALERTS{alertstate="firing", severity="critical"}) or vector(0)'),
    Subject("Warnings", "", 'count(ALERTS{alertstate="firing", severity="warning"}) or vector(0)'),
)


THROUGHPUTS = tuple(subject.target for subject in SUBJECTS if subject.target)
"""What a target of throughput can be set for."""


class Trend(BaseModel):
    """A number over the last day."""

    title: str
    unit: str
    points: list[tuple[float, float]] = Field(description="Seconds since 1970 and value, the oldest first.")
    peak: float = Field(description="The highest of them.")
    target: float | None = Field(None, description="What it should be able to reach, if that is set.")


class History(BaseModel):
    """What has a history; what Prometheus knows nothing of is left out."""

    trends: list[Trend]


class Historian:
    """Asks Prometheus at most once a minute."""

    def __init__(self, deadline_seconds: float, targets: Mapping[str, float]) -> None:
        self._targets = targets
        self._deadline_seconds = deadline_seconds
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[float, History] | None = None

    async def read(self, prometheus: JsonClient) -> History:
        """Return the trends; none while Prometheus does not answer."""
        async with self._one_at_a_time:
            if self._last is None or monotonic() - self._last[0] > _FRESH_SECONDS:
                found = await asyncio.gather(*(self._read(prometheus, one) for one in SUBJECTS))
                history = History(trends=[one for one in found if one is not None])
                if not history.trends:  # ask again at the next look
                    return history
                self._last = monotonic(), history
            return self._last[1]

    async def _read(self, prometheus: JsonClient, subject: Subject) -> Trend | None:
        end = int(time())
        asked = {
            "query": subject.query,
            "start": end - HOURS * 3600,
            "end": end,
            "step": _STEP_SECONDS,
        }
        try:
            async with answer_within(self._deadline_seconds):
                content = await prometheus.get(f"/api/v1/query_range?{urlencode(asked)}")
            return _trend(subject, content["data"]["result"], self._targets.get(subject.target))
        except (TargetError, KeyError, TypeError, ValueError):
            return None


def _trend(subject: Subject, series: list[Any], target: float | None) -> Trend | None:
    numbers = ((float(when), float(value)) for when, value in (series[0]["values"] if series else []))
    points = [(when, value) for when, value in numbers if math.isfinite(value)]
    if not points:
        return None
    peak = max(value for _, value in points)
    return Trend(title=subject.title, unit=subject.unit, points=points, peak=peak, target=target)

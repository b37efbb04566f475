"""What Logstash says of itself at `GET /_node/stats`; pure.

Field names: logstash-core/lib/logstash/api/commands/stats.rb of Logstash 9.5.2, and for outputs of
Elasticsearch lib/logstash/plugin_mixins/elasticsearch/common.rb of that plugin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Labels

from .fields import list_at, number_at, numbers_at, object_at, seconds_at, text_at

STATUSES = ("green", "yellow", "red", "unknown")
# A codec is left out: it gets a new random id with every start.
_TYPES = {"inputs": "input", "filters": "filter", "outputs": "output"}
_BULK_OUTCOMES = {"successes": "success", "with_errors": "with_errors", "failures": "failure"}
_DOCUMENT_OUTCOMES = {
    "successes": "success",
    "retryable_failures": "retryable_failure",
    "non_retryable_failures": "non_retryable_failure",
    "dlq_routed": "dead_letter",
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of a pipeline; the last two are those of an output to Elasticsearch."""

    pipeline: str
    identifier: str
    type: str
    events_in: float | None
    events_out: float | None
    bulk_requests: Mapping[Labels, float]
    documents: Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Queue:
    """A persistent queue, or a queue of dead letters; without numbers where there is none."""

    size_bytes: float | None = None
    max_bytes: float | None = None
    events: float | None = None
    dropped_events: float | None = None
    expired_events: float | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline; one that has not started has no events."""

    name: str
    events_in: float | None
    events_filtered: float | None
    events_out: float | None
    duration_seconds: float | None
    queue: Queue
    dead_letters: Queue
    reloads: Mapping[Labels, float]
    plugins: tuple[Plugin, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One Logstash."""

    version: str
    status: str | None
    heap_used_bytes: float | None
    heap_max_bytes: float | None
    cpu_seconds: float | None
    pipelines: tuple[Pipeline, ...]


def parse_node(answer: Any) -> Node:
    """Return what the answer of `/_node/stats` says. Raises TargetError(decode)."""
    version = text_at(answer, "version")
    if version is None or "pipelines" not in object_at(answer):
        raise TargetError(Reason.DECODE, "no `version` and `pipelines`: is this Logstash's API?")
    status = text_at(answer, "status")
    return Node(
        version=version,
        status=status if status is None or status in STATUSES else "unknown",
        heap_used_bytes=number_at(answer, "jvm", "mem", "heap_used_in_bytes"),
        heap_max_bytes=number_at(answer, "jvm", "mem", "heap_max_in_bytes"),
        cpu_seconds=seconds_at(answer, "process", "cpu", "total_in_millis"),
        pipelines=tuple(_parse_pipeline(name, raw) for name, raw in object_at(answer, "pipelines").items()),
    )


def _parse_pipeline(name: str, raw: Any) -> Pipeline:
    return Pipeline(
        name=name,
        events_in=number_at(raw, "events", "in"),
        events_filtered=number_at(raw, "events", "filtered"),
        events_out=number_at(raw, "events", "out"),
        duration_seconds=seconds_at(raw, "events", "duration_in_millis"),
        queue=_parse_queue(raw),
        dead_letters=_parse_dead_letters(raw),
        reloads=numbers_at(raw, "reloads", names={"successes": "success", "failures": "failure"}),
        plugins=tuple(_parse_plugins(name, raw)),
    )


def _parse_queue(raw: Any) -> Queue:
    """Return the queue; of one in memory Logstash reports no size but zeros."""
    if text_at(raw, "queue", "type") != "persisted":
        return Queue()
    return Queue(
        size_bytes=number_at(raw, "queue", "queue_size_in_bytes"),
        max_bytes=number_at(raw, "queue", "max_queue_size_in_bytes"),
        events=number_at(raw, "queue", "events_count"),
    )


def _parse_dead_letters(raw: Any) -> Queue:
    return Queue(
        size_bytes=number_at(raw, "dead_letter_queue", "queue_size_in_bytes"),
        max_bytes=number_at(raw, "dead_letter_queue", "max_queue_size_in_bytes"),
        dropped_events=number_at(raw, "dead_letter_queue", "dropped_events"),
        expired_events=number_at(raw, "dead_letter_queue", "expired_events"),
    )


def _parse_plugins(pipeline: str, raw: Any) -> Iterator[Plugin]:
    for key, plugin_type in _TYPES.items():
        for plugin in list_at(raw, "plugins", key):
            identifier = text_at(plugin, "id")
            if identifier is None:
                raise TargetError(Reason.DECODE, f"`plugins.{key}`: a plugin has no `id`")
            # Logstash begins to name a count when it first counts: until then it is 0.
            unnamed = 0 if (key, text_at(plugin, "name")) == ("outputs", "elasticsearch") else None
            yield Plugin(
                pipeline=pipeline,
                identifier=identifier,
                type=plugin_type,
                events_in=number_at(plugin, "events", "in"),
                events_out=number_at(plugin, "events", "out"),
                bulk_requests=numbers_at(plugin, "bulk_requests", names=_BULK_OUTCOMES, absent=unnamed),
                documents=numbers_at(plugin, "documents", names=_DOCUMENT_OUTCOMES, absent=unnamed),
            )

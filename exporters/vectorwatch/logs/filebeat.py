"""What Filebeat says of itself at `GET /stats`; pure.

Field names: libbeat/outputs/metrics.go, libbeat/publisher/pipeline/monitoring.go,
libbeat/publisher/queue/monitoring.go, libbeat/cmd/instance/metrics and
filebeat/input/filestream/internal/input-logfile/metrics.go of Beats 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Labels

from .fields import number_at, numbers_at, object_at, text_at

# `total` and `active` are left out: they would count the others again.
_OUTPUT_OUTCOMES = ("acked", "failed", "dropped", "duplicates", "dead_letter", "toomany")
_PIPELINE_OUTCOMES = ("published", "filtered", "dropped", "failed", "retry")


@dataclass(frozen=True, slots=True)
class Beat:
    """One Filebeat."""

    version: str | None
    output_events: Mapping[Labels, float]
    output_events_active: float | None
    output_errors: Mapping[Labels, float]
    pipeline_events: Mapping[Labels, float]
    queue_filled_ratio: float | None
    files_open: float | None
    harvesters_running: float | None
    memory_bytes: float | None


def parse_beat(answer: Any) -> Beat:
    """Return what the answer of `/stats` says. Raises TargetError(decode)."""
    if not object_at(answer, "beat") or not object_at(answer, "libbeat"):
        raise TargetError(Reason.DECODE, "no `beat` and `libbeat`: is this Filebeat's HTTP endpoint?")
    errors = {
        (direction,): number_at(answer, "libbeat", "output", direction, "errors")
        for direction in ("read", "write")
    }
    return Beat(
        version=text_at(answer, "beat", "info", "version"),
        output_events=numbers_at(
            answer, "libbeat", "output", "events", names={name: name for name in _OUTPUT_OUTCOMES}
        ),
        output_events_active=number_at(answer, "libbeat", "output", "events", "active"),
        output_errors={direction: number for direction, number in errors.items() if number is not None},
        pipeline_events=numbers_at(
            answer, "libbeat", "pipeline", "events", names={name: name for name in _PIPELINE_OUTCOMES}
        ),
        queue_filled_ratio=number_at(answer, "libbeat", "pipeline", "queue", "filled", "pct"),
        files_open=number_at(answer, "filebeat", "harvester", "open_files"),
        harvesters_running=number_at(answer, "filebeat", "harvester", "running"),
        memory_bytes=number_at(answer, "beat", "memstats", "rss"),
    )

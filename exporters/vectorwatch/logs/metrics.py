"""The metrics about all sources, Filebeat, Kibana and the events in Elasticsearch, one row each.

None is named like one of elasticsearch_exporter's: both end up in the same Prometheus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vectorwatch.errors import Reason
from vectorwatch.serve.metric import Kind, Labels, Metric, Table

from .filebeat import Beat
from .kibana import LEVELS


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the last reading of one source ended; `well` is what its `…_up` says."""

    source: str
    reason: Reason | None
    well: bool


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the searches have found in the log data streams."""

    events: Mapping[Labels, float]
    newest: Mapping[Labels, float]
    delay_seconds: float | None


SOURCES: Table[SourceState] = Table(
    (
        Metric(
            "logs_source_up",
            "1 if the source could be read: at this scrape, Elasticsearch at its last search.",
            lambda state: int(state.reason is None),
        ),
        Metric(
            "logs_source_failed",
            "1 for the reason why the source could not be read.",
            lambda state: {(reason.value,): int(reason is state.reason) for reason in Reason},
            labels=("reason",),
        ),
    ),
    labels=("source",),
    key=lambda state: (state.source,),
)

LOGSTASH_UP: Table[SourceState] = Table(
    (Metric("logstash_up", "1 if Logstash's API could be read.", lambda state: int(state.well)),)
)

FILEBEAT_UP: Table[SourceState] = Table(
    (Metric("filebeat_up", "1 if Filebeat's HTTP endpoint could be read.", lambda state: int(state.well)),)
)

KIBANA_UP: Table[SourceState] = Table(
    (
        Metric(
            "kibana_up",
            "1 if Kibana's overall level is `available` (`status.overall.level` of /api/status).",
            lambda state: int(state.well),
        ),
    )
)

FILEBEAT: Table[Beat] = Table(
    (
        Metric(
            "filebeat_info",
            "Version of Filebeat (`beat.info.version`); always 1.",
            lambda beat: {(beat.version,): 1} if beat.version else None,
            labels=("version",),
        ),
        Metric(
            "filebeat_output_events_total",
            "Events sent to the output (`libbeat.output.events`): `failed` ones are sent again, `dropped` "
            "ones are lost.",
            lambda beat: beat.output_events,
            labels=("outcome",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "filebeat_output_events_active",
            "Events sent and not yet answered (`libbeat.output.events.active`).",
            lambda beat: beat.output_events_active,
        ),
        Metric(
            "filebeat_output_errors_total",
            "Errors on the connection to the output (`libbeat.output.read.errors`, `write.errors`).",
            lambda beat: beat.output_errors,
            labels=("direction",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "filebeat_pipeline_events_total",
            "Events on their way to the output (`libbeat.pipeline.events`): `filtered` ones a processor took "
            "out, `failed` ones the queue refused, `dropped` ones had been tried too often.",
            lambda beat: beat.pipeline_events,
            labels=("outcome",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "filebeat_queue_filled_ratio",
            "How full the queue is, 0 to 1 (`libbeat.pipeline.queue.filled.pct`).",
            lambda beat: beat.queue_filled_ratio,
        ),
        Metric(
            "filebeat_harvester_files_open",
            "Log files that are open (`filebeat.harvester.open_files`).",
            lambda beat: beat.files_open,
        ),
        Metric(
            "filebeat_harvesters_running",
            "Readers of log files (`filebeat.harvester.running`).",
            lambda beat: beat.harvesters_running,
        ),
        Metric(
            "filebeat_memory_bytes",
            "Memory that Filebeat holds (`beat.memstats.rss`).",
            lambda beat: beat.memory_bytes,
        ),
    )
)

KIBANA: Table[str] = Table(
    (
        Metric(
            "kibana_status",
            "1 for the overall level (`status.overall.level` of /api/status).",
            lambda level: {(known,): int(known == level) for known in LEVELS},
            labels=("level",),
        ),
    )
)

ARRIVALS: Table[Arrivals] = Table(
    (
        Metric(
            "log_events_total",
            "Documents that have arrived in Elasticsearch, by `service.name`, `log.level` and "
            "`data_stream.dataset`; each once, by `event.ingested`. `none`: without that field.",
            lambda arrivals: arrivals.events,
            labels=("service_name", "level", "dataset"),
            kind=Kind.COUNTER,
        ),
        Metric(
            "log_newest_event_timestamp_seconds",
            "When the newest document arrived (largest `event.ingested`); no series if none did within a day "
            "before the exporter's start.",
            lambda arrivals: arrivals.newest,
            labels=("dataset",),
        ),
        Metric(
            "log_ingest_delay_seconds",
            "Median of `event.ingested` less `@timestamp` of the newest documents, at most 100; no series if "
            "none arrived in the last minutes. Negative where a clock of a source is ahead.",
            lambda arrivals: arrivals.delay_seconds,
        ),
    )
)

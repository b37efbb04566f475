"""Whether lines get from programs to Elasticsearch, and whether there is room for them."""

from __future__ import annotations

from collections.abc import Mapping

from ..board import Board, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    RATIO,
    SECONDS,
    UP_DOWN,
    Limits,
    State,
    bars,
    query,
    stat,
    states,
    timeseries,
)

EXPORTERS = 'job=~"logs-exporter|elasticsearch-exporter"'
HEALTH: Mapping[float, State] = {
    0: State("red", "red"),
    1: State("yellow", "yellow"),
    2: State("green", "green"),
}
LEVELS: Mapping[float, State] = {
    0: State("not available", "red"),
    1: State("degraded", "orange"),
    2: State("available", "green"),
}


def select(metric: str, matchers: str) -> str:
    return f"{metric}{{{matchers}}}" if matchers else metric


def rate(metric: str, matchers: str = "", by: str = "") -> str:
    """Return how often a counter grew in a second, summed over all labels but those in `by`."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({select(metric, matchers)}[$__rate_interval]))"


def grown(metric: str, matchers: str = "", by: str = "") -> str:
    """Return by how much a counter grew in the time shown, summed over all labels but those in `by`."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (increase({select(metric, matchers)}[$__range]))"


BOARD = Board(
    name="log-pipeline",
    folder="Monitoring",
    title="Log pipeline",
    about="Whether lines get from programs through Filebeat and Logstash to Elasticsearch, how late, what is lost on the way, "
    "and whether there is room for them. Empty where the log half of the stack is switched off (`LOGS=0`).",
    components=("logs",),
    variables=(),
    links=(
        logs_of("filebeat", "logstash", "elasticsearch", "kibana"),
        ("Monitoring", "/d/vw-monitoring"),
        ("Alerts", "/d/vw-alerts"),
    ),
    rows=(
        row(
            "Does every line arrive?",
            states(
                "Is each part there?",
                "Whether each program of the log half answers. Behind one that is down lines wait: in files before Filebeat, "
                "in Logstash's queue before Elasticsearch.",
                query("min by (source) (logs_source_up)", "{{source}}"),
                query(f"min(up{{{EXPORTERS}}})", "the exporters"),
                meanings=UP_DOWN,
                width=24,
                height=7,
                alerts=("FilebeatDown", "LogstashDown", "ElasticsearchDown", "KibanaDown"),
            ),
            stat(
                "Elasticsearch",
                "Green: all is there. Yellow: a copy of a shard is missing, which one node cannot have. Red: data is missing.",
                NONE,
                query(
                    """max(2 * elasticsearch_cluster_health_status{color="green"}
                    or elasticsearch_cluster_health_status{color="yellow"}
                    or 0 * elasticsearch_cluster_health_status{color="red"})""",
                    "health",
                ),
                states=HEALTH,
                alerts=("ElasticsearchRed", "ElasticsearchYellow"),
            ),
            stat(
                "Late by",
                "Median time between a line and its arrival in Elasticsearch. It grows while something waits in a queue.",
                SECONDS,
                query("max(log_ingest_delay_seconds)", "median"),
                limits=Limits(warning="log_ingest_delay_seconds"),
            ),
            stat(
                "Lost",
                "Events within a quarter of an hour that Filebeat or Logstash gave up. They do not come back; below stands where.",
                COUNT,
                query("max(instance:log_events_lost:increase15m)", "events"),
                any_is_bad=True,
                alerts=("LogsDropped",),
            ),
            stat(
                "Kibana",
                "What it says of itself. Degraded or not available: its own log says which part; logs still arrive, and are in "
                "Grafana.",
                NONE,
                query(
                    """max(2 * kibana_status{level="available"}
                    or kibana_status{level="degraded"})""",
                    "level",
                ),
                states=LEVELS,
                alerts=("KibanaDown",),
            ),
            timeseries(
                "Events on their way",
                "What Filebeat sends, what Logstash takes and gives on, what Elasticsearch stores. Where one line falls below "
                "the one before it, lines wait or are lost there; noise is dropped on purpose in Logstash.",
                EVENTS_PER_SECOND,
                query(rate("filebeat_output_events_total", 'outcome="acked"'), "Filebeat sends"),
                query(rate("logstash_pipeline_events_in_total", 'pipeline="main"'), "Logstash takes"),
                query(rate("logstash_pipeline_events_out_total", 'pipeline="main"'), "Logstash gives on"),
                query(rate("elasticsearch_indices_indexing_index_total"), "Elasticsearch stores"),
                width=12,
                height=9,
                alerts=("LogPipelineStalled",),
            ),
            timeseries(
                "Arrived, by dataset",
                "Documents that Elasticsearch took. dead_letter is what it refused: see there for the reasons.",
                EVENTS_PER_SECOND,
                query(rate("log_events_total", by="dataset"), "{{dataset}}"),
                width=12,
                height=9,
                stacked=True,
                alerts=("LogDeadLetters",),
                links=(("Logs", "/d/vw-logs"),),
            ),
        ),
        row(
            "Filebeat",
            timeseries(
                "Filebeat's output by outcome",
                "Acked: Logstash has it. Failed: sent again. Dropped: lost. Nothing acked while files grow: Logstash does not take.",
                EVENTS_PER_SECOND,
                query(rate("filebeat_output_events_total", by="outcome"), "{{outcome}}"),
                alerts=("FilebeatOutputFailing",),
            ),
            timeseries(
                "Filebeat's queue",
                "How full it is. Full: Filebeat reads no further until Logstash takes more; files keep what it has not read.",
                RATIO,
                query("max(filebeat_queue_filled_ratio)", "filled"),
                maximum=1,
            ),
            timeseries(
                "Files that Filebeat reads",
                "Harvesters, one a file that grows or grew lately. 0: it sees no log of any container.",
                COUNT,
                query("sum(filebeat_harvesters_running)", "harvesters"),
                query("sum(filebeat_harvester_files_open)", "files open"),
            ),
            timeseries(
                "Filebeat's events by fate",
                "Published to its queue; filtered out by its rules; failed or tried again on the way into the queue.",
                EVENTS_PER_SECOND,
                query(rate("filebeat_pipeline_events_total", by="outcome"), "{{outcome}}"),
                width=12,
            ),
            timeseries(
                "Filebeat's memory",
                "Resident. It grows with the number of files and with the queue; a slope without end is a leak.",
                BYTES,
                query("max(filebeat_memory_bytes)", "resident"),
                width=12,
            ),
        ),
        row(
            "Logstash",
            timeseries(
                "Logstash's queue",
                "How full each pipeline's queue on disk is. It fills while Elasticsearch is slow or away; full, Filebeat waits.",
                RATIO,
                query(
                    """max by (pipeline) (logstash_pipeline_queue_bytes)
                    / (max by (pipeline) (logstash_pipeline_queue_max_bytes) > 0)""",
                    "{{pipeline}}",
                ),
                maximum=1,
                limits=Limits(warning="logstash_queue_ratio", critical="logstash_queue_critical_ratio"),
            ),
            timeseries(
                "Events that wait in Logstash",
                "Events in the queue of each pipeline. It returns to about 0 once Elasticsearch has caught up.",
                COUNT,
                query("sum by (pipeline) (logstash_pipeline_queue_events)", "{{pipeline}}"),
            ),
            timeseries(
                "Dead letter queue",
                "How full what Elasticsearch refused fills it. Full: the oldest are dropped. The pipeline dead_letters empties it.",
                RATIO,
                query(
                    """max by (pipeline) (logstash_pipeline_dead_letter_queue_bytes)
                    / (max by (pipeline) (logstash_pipeline_dead_letter_queue_max_bytes) > 0)""",
                    "{{pipeline}}",
                ),
                maximum=1,
                alerts=("LogDeadLetters", "LogsDropped"),
            ),
            timeseries(
                "Time for an event",
                "What a pipeline takes for one, its filters and outputs together. A step up: a pattern became dear, or "
                "Elasticsearch slow.",
                SECONDS,
                query(
                    f"""{rate("logstash_pipeline_events_duration_seconds_total", by="pipeline")}
                    / ({rate("logstash_pipeline_events_out_total", by="pipeline")} > 0)""",
                    "{{pipeline}}",
                ),
            ),
            bars(
                "Noise dropped",
                "Events in the time shown that filters of logstash/noise.yml dropped, by filter. More than a third of all: the "
                "program that writes it should be quieter.",
                COUNT,
                query(
                    grown("logstash_plugin_events_in_total", 'plugin_id=~"drop_.+"', by="plugin_id"),
                    "{{plugin_id}}",
                ),
            ),
            timeseries(
                "Documents by outcome",
                "What Elasticsearch said to each. Retryable: sent again. Non-retryable or dead letter: it does not fit the "
                "mapping.",
                EVENTS_PER_SECOND,
                query(rate("logstash_output_documents_total", by="outcome"), "{{outcome}}"),
            ),
            timeseries(
                "Documents sent again",
                "Share of those sent to Elasticsearch that it refused for the moment. Logstash sends them again; much of it for "
                "long fills the queue.",
                RATIO,
                query(
                    f"""{rate("logstash_output_documents_total", 'outcome="retryable_failure"')}
                    / ({rate("logstash_output_documents_total", 'outcome=~"success|retryable_failure"')} > 0)""",
                    "sent again",
                ),
                limits=Limits(warning="elasticsearch_rejected_documents_ratio"),
            ),
            timeseries(
                "Logstash's heap",
                "In use, of what it may have (LOGSTASH_HEAP). Near 1 it only collects garbage and takes no more events.",
                RATIO,
                query(
                    """max(logstash_jvm_heap_used_bytes)
                    / (max(logstash_jvm_heap_max_bytes) > 0)""",
                    "in use",
                ),
                maximum=1,
                limits=Limits(warning="logstash_heap_ratio"),
            ),
            stat(
                "Pipelines that did not load",
                "Reloads in the time shown that failed: the pipeline of before goes on. Logstash's log names file and line.",
                COUNT,
                query(grown("logstash_pipeline_reloads_total", 'outcome="failure"'), "failed"),
                any_is_bad=True,
                alerts=("LogstashReloadFailing",),
            ),
        ),
        row(
            "Elasticsearch",
            timeseries(
                "Disk in use",
                "Of the disk under Elasticsearch. Above 90 % with less than 10 GB left it makes no new index, above 95 % with "
                "less than 5 GB left (flood stage) it refuses every write.",
                RATIO,
                query(
                    """1 - min by (name) (elasticsearch_filesystem_data_available_bytes
                    / (elasticsearch_filesystem_data_size_bytes > 0))""",
                    "{{name}}",
                ),
                maximum=1,
                limits=Limits(
                    warning="elasticsearch_disk_low_ratio", critical="elasticsearch_disk_flood_ratio"
                ),
                links=(("Host", "/d/vw-host"), ("Capacity", "/d/vw-capacity")),
            ),
            timeseries(
                "Size of the logs",
                "Of each data stream. The oldest go by age (LOGS_RETENTION_TIME) or when all together pass "
                "LOGS_RETENTION_SIZE.",
                BYTES,
                query(
                    "max by (data_stream) (elasticsearch_data_stream_store_size_bytes)",
                    "{{data_stream}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Elasticsearch's heap",
                "In use, of what it may have (ELASTICSEARCH_HEAP). A saw is healthy; flat near the top, it collects garbage "
                "and answers late.",
                RATIO,
                query(
                    """max by (name) (elasticsearch_jvm_memory_used_bytes{area="heap"})
                    / (max by (name) (elasticsearch_jvm_memory_max_bytes{area="heap"}) > 0)""",
                    "{{name}}",
                ),
                maximum=1,
                limits=Limits(warning="elasticsearch_heap_ratio"),
            ),
            timeseries(
                "Time in garbage collection",
                "Share of time in which Elasticsearch stands still for it, by generation. Above a tenth: too small a heap.",
                RATIO,
                query(rate("elasticsearch_jvm_gc_collection_seconds_sum", by="gc"), "{{gc}}"),
                limits=Limits(warning="elasticsearch_gc_ratio"),
            ),
            timeseries(
                "Time to store a document",
                "Mean of what indexing one takes. It grows with the number of fields, and when the disk is slow.",
                SECONDS,
                query(
                    f"""{rate("elasticsearch_indices_indexing_index_time_seconds_total")}
                    / ({rate("elasticsearch_indices_indexing_index_total")} > 0)""",
                    "a document",
                ),
            ),
            timeseries(
                "Time to search",
                "Mean of a query on one shard, whoever asks: Kibana, Grafana or the exporter.",
                SECONDS,
                query(
                    f"""{rate("elasticsearch_indices_search_query_time_seconds")}
                    / ({rate("elasticsearch_indices_search_query_total")} > 0)""",
                    "a query",
                ),
            ),
            timeseries(
                "Requests turned away",
                "By thread pool. Of write: it is fed faster than it stores; Logstash tries again. Of search: fewer or narrower "
                "dashboards.",
                EVENTS_PER_SECOND,
                query(
                    rate("elasticsearch_thread_pool_rejected_count", 'type=~"write|search"', by="type"),
                    "{{type}}",
                ),
                alerts=("ElasticsearchBulkRejected",),
            ),
            timeseries(
                "Circuit breakers",
                "Requests refused because they would take too much memory, by breaker. Make the heap larger, or ask for less at "
                "once.",
                EVENTS_PER_SECOND,
                query(rate("elasticsearch_breakers_tripped", by="breaker"), "{{breaker}}"),
                alerts=("ElasticsearchBreakerTripped",),
            ),
            bars(
                "Indices by step of their life",
                "Backing indices of the data streams. Any in step ERROR is neither rolled over nor deleted: the disk fills.",
                COUNT,
                query(
                    'count by (phase, step) (elasticsearch_ilm_index_status{index=~".ds-logs-.+"} == 1)',
                    "{{phase}} {{step}}",
                ),
                alerts=("LogsLifecycleFailing",),
            ),
            timeseries(
                "Documents",
                "That Elasticsearch holds, of all data streams. A fall is retention at work; a fall to nothing is none of its doing.",
                COUNT,
                query("sum(elasticsearch_indices_docs)", "documents"),
            ),
        ),
    ),
)

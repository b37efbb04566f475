"""The metrics of Logstash, one row each; help texts name the field of `/_node/stats`."""

from __future__ import annotations

from vectorwatch.serve.metric import Kind, Metric, Table

from .logstash import STATUSES, Node, Pipeline, Plugin

NODE: Table[Node] = Table(
    (
        Metric(
            "logstash_info",
            "Version of Logstash (`version`); always 1.",
            lambda node: {(node.version,): 1},
            labels=("version",),
        ),
        Metric(
            "logstash_status",
            "1 for the current health as Logstash sees it (`status`).",
            lambda node: {(status,): int(status == node.status) for status in STATUSES if node.status},
            labels=("status",),
        ),
        Metric(
            "logstash_jvm_heap_used_bytes",
            "Heap in use (`jvm.mem.heap_used_in_bytes`).",
            lambda node: node.heap_used_bytes,
        ),
        Metric(
            "logstash_jvm_heap_max_bytes",
            "Largest heap (`jvm.mem.heap_max_in_bytes`).",
            lambda node: node.heap_max_bytes,
        ),
        Metric(
            "logstash_process_cpu_seconds_total",
            "Processor time of the process (`process.cpu.total_in_millis`).",
            lambda node: node.cpu_seconds,
            kind=Kind.COUNTER,
        ),
    )
)

PIPELINES: Table[Pipeline] = Table(
    (
        Metric(
            "logstash_pipeline_events_in_total",
            "Events that entered (`pipelines.*.events.in`).",
            lambda pipeline: pipeline.events_in,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_pipeline_events_filtered_total",
            "Events that passed the filters (`events.filtered`).",
            lambda pipeline: pipeline.events_filtered,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_pipeline_events_out_total",
            "Events that left through the outputs (`events.out`); those that a filter drops do not.",
            lambda pipeline: pipeline.events_out,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_pipeline_events_duration_seconds_total",
            "Time that workers spent on events, over all workers (`events.duration_in_millis`).",
            lambda pipeline: pipeline.duration_seconds,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_pipeline_queue_events",
            "Events in the persistent queue (`queue.events_count`); no series for a queue in memory.",
            lambda pipeline: pipeline.queue.events,
        ),
        Metric(
            "logstash_pipeline_queue_bytes",
            "Size of the persistent queue on disk (`queue.queue_size_in_bytes`).",
            lambda pipeline: pipeline.queue.size_bytes,
        ),
        Metric(
            "logstash_pipeline_queue_max_bytes",
            "Size at which the persistent queue takes no more events (`queue.max_queue_size_in_bytes`).",
            lambda pipeline: pipeline.queue.max_bytes,
        ),
        Metric(
            "logstash_pipeline_dead_letter_queue_bytes",
            "Size of the dead letter queue (`dead_letter_queue.queue_size_in_bytes`).",
            lambda pipeline: pipeline.dead_letters.size_bytes,
        ),
        Metric(
            "logstash_pipeline_dead_letter_queue_max_bytes",
            "Largest dead letter queue (`dead_letter_queue.max_queue_size_in_bytes`).",
            lambda pipeline: pipeline.dead_letters.max_bytes,
        ),
        Metric(
            "logstash_pipeline_dead_letter_queue_dropped_events_total",
            "Dead letters lost because their queue was full (`dead_letter_queue.dropped_events`).",
            lambda pipeline: pipeline.dead_letters.dropped_events,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_pipeline_dead_letter_queue_expired_events_total",
            "Dead letters deleted because of their age (`dead_letter_queue.expired_events`).",
            lambda pipeline: pipeline.dead_letters.expired_events,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_pipeline_reloads_total",
            "Reloads of the configuration (`reloads.successes`, `reloads.failures`).",
            lambda pipeline: pipeline.reloads,
            labels=("outcome",),
            kind=Kind.COUNTER,
        ),
    ),
    labels=("pipeline",),
    key=lambda pipeline: (pipeline.name,),
)

PLUGINS: Table[Plugin] = Table(
    (
        Metric(
            "logstash_plugin_events_in_total",
            "Events that entered a plugin (`plugins.*[].events.in`); inputs have none.",
            lambda plugin: plugin.events_in,
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_plugin_events_out_total",
            "Events that left a plugin (`plugins.*[].events.out`).",
            lambda plugin: plugin.events_out,
            kind=Kind.COUNTER,
        ),
    ),
    labels=("pipeline", "plugin_id", "plugin_type"),
    key=lambda plugin: (plugin.pipeline, plugin.identifier, plugin.type),
)

OUTPUTS: Table[Plugin] = Table(
    (
        Metric(
            "logstash_output_bulk_requests_total",
            "Bulk requests to Elasticsearch (`plugins.outputs[].bulk_requests`): a `failure` is sent again, "
            "one `with_errors` had documents that were refused.",
            lambda plugin: plugin.bulk_requests,
            labels=("outcome",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "logstash_output_documents_total",
            "Documents sent to Elasticsearch (`plugins.outputs[].documents`): a `retryable_failure` is sent "
            "again, a `dead_letter` goes to that queue, a `non_retryable_failure` is given up; that one is "
            "also a document that was already there.",
            lambda plugin: plugin.documents,
            labels=("outcome",),
            kind=Kind.COUNTER,
        ),
    ),
    labels=("pipeline", "plugin_id"),
    key=lambda plugin: (plugin.pipeline, plugin.identifier),
)

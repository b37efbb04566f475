"""What spans say of services and operations, and whether Jaeger gets, keeps and finds them."""

from __future__ import annotations

from ..board import ERROR_LOGS, Board, Variable, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    MILLISECONDS,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    Column,
    Limits,
    heatmap,
    query,
    stat,
    table,
    timeseries,
)

CHOSEN = 'service_name=~"$service_name"'
ASKED = f'{CHOSEN}, span_kind="SPAN_KIND_SERVER"'
ASKING = f'{CHOSEN}, span_kind=~"SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER"'
FAILED = 'status_code="STATUS_CODE_ERROR"'
REFUSED = Limits(warning="jaeger_refused_spans_ratio")
LOST = Limits(warning="jaeger_dropped_spans_ratio")

BOARD = Board(
    name="tracing",
    folder="Monitoring",
    title="Tracing",
    about="Rate, errors and time of every service and operation, counted from their spans before any is forgotten; and "
    "whether Jaeger gets, keeps and finds them.",
    components=("jaeger",),
    variables=(Variable("service_name", "Service", "traces_span_metrics_calls_total"),),
    links=(
        ("Performance overview", "/d/vw-performance"),
        ("Monitoring", "/d/vw-monitoring"),
        logs_of(only="${service_name:queryparam}"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Jaeger down",
                "Jaegers that do not answer. Traces are lost until one does; nothing else is.",
                COUNT,
                query('sum(1 - up{job="jaeger"})', "down"),
                any_is_bad=True,
                alerts=("JaegerDown",),
            ),
            stat(
                "Spans refused",
                "Share that Jaeger does not take, because its memory is short. Give it more, or send fewer.",
                RATIO,
                query(
                    """sum(rate(otelcol_receiver_refused_spans_total[$__rate_interval]))
                    / (sum(rate(otelcol_receiver_refused_spans_total[$__rate_interval]))
                    + sum(rate(otelcol_receiver_accepted_spans_total[$__rate_interval])) > 0)""",
                    "refused",
                ),
                limits=REFUSED,
            ),
            stat(
                "Spans lost",
                "Share that could not be stored: the disk or the storage behind it. They do not come back.",
                RATIO,
                query(
                    """sum(rate(otelcol_exporter_send_failed_spans_total[$__rate_interval]))
                    / (sum(rate(otelcol_exporter_send_failed_spans_total[$__rate_interval]))
                    + sum(rate(otelcol_exporter_sent_spans_total[$__rate_interval])) > 0)""",
                    "lost",
                ),
                limits=LOST,
            ),
            stat(
                "Reads that fail",
                "Share of Jaeger's requests to its storage in the last hour that failed. Empty while nobody looks at a "
                "trace.",
                RATIO,
                query(
                    """(sum(increase(jaeger_storage_requests_total{result="err"}[1h]))
                    or 0 * sum(increase(jaeger_storage_requests_total[1h])))
                    / (sum(increase(jaeger_storage_requests_total[1h])) > 0)""",
                    "fail",
                ),
                limits=Limits(warning="jaeger_storage_errors_ratio"),
            ),
            stat(
                "Services that send spans",
                "A service that is missing has tracing switched off, samples nothing, or sends to another address.",
                COUNT,
                query(
                    f"sum(sum by (service_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}}}[$__rate_interval])) > bool 0)",
                    "services",
                ),
            ),
            stat(
                "Series of span metrics",
                "Operations that are counted. Jaeger stops at 5,000: a service puts ids into the names of its spans.",
                COUNT,
                query("count(rate(traces_span_metrics_calls_total[$__rate_interval]))", "series"),
            ),
        ),
        row(
            "Services",
            timeseries(
                "Requests by service",
                "That each service answered. A fall in one alone: its callers, or the way to it.",
                REQUESTS_PER_SECOND,
                query(
                    f"""sum by (service_name)
                    (rate(traces_span_metrics_calls_total{{{ASKED}}}[$__rate_interval]))""",
                    "{{service_name}}",
                ),
            ),
            timeseries(
                "Errors by service",
                "Share of requests whose span is an error. Several services at once: what they all ask, the one that "
                "rose first.",
                RATIO,
                query(
                    f"""(sum by (service_name) (rate(traces_span_metrics_calls_total{{{ASKED}, {FAILED}}}[$__rate_interval]))
                    or 0 * sum by (service_name) (rate(traces_span_metrics_calls_total{{{ASKED}}}[$__rate_interval])))
                    / (sum by (service_name) (rate(traces_span_metrics_calls_total{{{ASKED}}}[$__rate_interval])) > 0)""",
                    "{{service_name}}",
                    opens=f"{ERROR_LOGS[1]}&var-service_name=${{__field.labels.service_name}}",
                    opens_as="Logs of these errors",
                ),
            ),
            timeseries(
                "Time by service, slowest twentieth",
                "95 of 100 requests are answered faster; dots are traces: open a high one and see which part took it.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, service_name)
                    (rate(traces_span_metrics_duration_milliseconds_bucket{{{ASKED}}}[$__rate_interval]))) / 1000""",
                    "{{service_name}}",
                    exemplars=True,
                ),
            ),
        ),
        row(
            "Operations",
            table(
                "Operations that take the most",
                "Seconds of work a second, how often, how long and how many fail. What stands at the "
                "top is what makes things slow.",
                query(
                    f"""topk(20, sum by (service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_sum{{{CHOSEN}}}[$__rate_interval])) / 1000)"""
                ),
                query(
                    f"""sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}}}[$__rate_interval]))
                    and topk(20, sum by (service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_sum{{{CHOSEN}}}[$__rate_interval])))"""
                ),
                query(
                    f"""histogram_quantile(0.95, sum by (le, service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_bucket{{{CHOSEN}}}[$__rate_interval]))) / 1000
                    and topk(20, sum by (service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_sum{{{CHOSEN}}}[$__rate_interval])))"""
                ),
                query(
                    f"""(sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}, {FAILED}}}[$__rate_interval]))
                    or 0 * sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}}}[$__rate_interval])))
                    / (sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}}}[$__rate_interval])) > 0)
                    and topk(20, sum by (service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_sum{{{CHOSEN}}}[$__rate_interval])))"""
                ),
                columns=(
                    Column("service_name", "Service"),
                    Column("span_name", "Operation"),
                    Column("Value #A", "Work", COUNT),
                    Column("Value #B", "Rate", REQUESTS_PER_SECOND),
                    Column("Value #C", "95 of 100 faster than", SECONDS),
                    Column("Value #D", "Errors", RATIO),
                ),
                sort_by="Work",
                height=10,
            ),
            timeseries(
                "Time by operation, slowest twentieth",
                "Of requests that services answer, the slowest operations.",
                SECONDS,
                query(
                    f"""topk(10, histogram_quantile(0.95, sum by (le, service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_bucket{{{ASKED}}}[$__rate_interval]))) / 1000 >= 0)""",
                    "{{service_name}} {{span_name}}",
                    exemplars=True,
                ),
            ),
            timeseries(
                "Time of what services ask others, slowest twentieth",
                "Databases, caches, models and other services, from the caller's side. The part that rose with the "
                "answer's time is the cause.",
                SECONDS,
                query(
                    f"""topk(10, histogram_quantile(0.95, sum by (le, service_name, span_name)
                    (rate(traces_span_metrics_duration_milliseconds_bucket{{{ASKING}}}[$__rate_interval]))) / 1000 >= 0)""",
                    "{{service_name}} {{span_name}}",
                    exemplars=True,
                ),
            ),
            timeseries(
                "Errors by operation",
                "Spans that are errors, each second, inner ones too: where many lines rise the lowest layer is the cause.",
                EVENTS_PER_SECOND,
                query(
                    f"""topk(10, sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}, {FAILED}}}[$__rate_interval]))
                    or 0 * sum by (service_name) (rate(traces_span_metrics_calls_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{service_name}} {{span_name}}",
                ),
            ),
            heatmap(
                "Spread of the time of requests",
                "How many took how long. A second band is another way through the services: see traces of both.",
                MILLISECONDS,
                f"sum by (le) (increase(traces_span_metrics_duration_milliseconds_bucket{{{ASKED}}}[$__rate_interval]))",
                width=24,
            ),
        ),
        row(
            "Jaeger",
            timeseries(
                "Spans received",
                "By transport. A step up at steady traffic: a release that makes more spans, or samples more.",
                EVENTS_PER_SECOND,
                query(
                    "sum by (transport) (rate(otelcol_receiver_accepted_spans_total[$__rate_interval]))",
                    "accepted {{transport}}",
                ),
                query(
                    "sum by (transport) (rate(otelcol_receiver_refused_spans_total[$__rate_interval]))",
                    "refused {{transport}}",
                ),
                alerts=("JaegerSpansRefused",),
            ),
            timeseries(
                "Spans stored",
                "By where they go. Fewer than received: they wait, or are lost.",
                EVENTS_PER_SECOND,
                query(
                    "sum by (exporter) (rate(otelcol_exporter_sent_spans_total[$__rate_interval]))",
                    "stored {{exporter}}",
                ),
                query(
                    "sum by (exporter) (rate(otelcol_exporter_send_failed_spans_total[$__rate_interval]))",
                    "lost {{exporter}}",
                ),
                alerts=("JaegerSpansDropped", "JaegerQueueFull"),
            ),
            timeseries(
                "Memory of Jaeger",
                "Above 55 % of its container's limit it begins to refuse spans: give it more, or send fewer.",
                BYTES,
                query("otelcol_process_memory_rss_bytes", "{{instance}}"),
            ),
            timeseries(
                "Processors of Jaeger",
                "Processors at work. Near those of the machine it falls behind.",
                COUNT,
                query("rate(otelcol_process_cpu_seconds_total[$__rate_interval])", "{{instance}}"),
            ),
            timeseries(
                "Requests to the storage",
                "What pages and searches ask, by operation and result. None while nobody looks at a trace.",
                REQUESTS_PER_SECOND,
                query(
                    "sum by (operation, result) (rate(jaeger_storage_requests_total[$__rate_interval]))",
                    "{{operation}} {{result}}",
                ),
                width=12,
                alerts=("JaegerReadsFailing",),
            ),
            timeseries(
                "Time of the storage, slowest twentieth",
                "What people wait for when they open a trace. Beyond the limit: the disk, or too wide a search.",
                SECONDS,
                query(
                    """histogram_quantile(0.95, sum by (le, operation)
                    (rate(jaeger_storage_latency_seconds_bucket[$__rate_interval]))) >= 0""",
                    "{{operation}}",
                ),
                width=12,
                limits=Limits(warning="jaeger_storage_duration_seconds"),
            ),
        ),
    ),
)

"""What users of applications feel: requests and workflows, their rate, errors and time."""

from __future__ import annotations

from ..board import ERROR_LOGS, TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    Limits,
    bars,
    heatmap,
    query,
    stat,
    timeseries,
)

SERVICE = TARGETS
HTTP_ERRORS = Limits(warning="http_error_ratio_warning", critical="http_error_ratio_critical")
HTTP_TIME = Limits(warning="http_latency_p95_seconds")
PERCENTILES = ((0.5, "half faster"), (0.95, "95 of 100 faster"), (0.99, "99 of 100 faster"))

BOARD = Board(
    name="performance",
    folder="Applications",
    title="Performance overview",
    about="What users of the applications feel: HTTP requests and workflows of language models, their rate, errors "
    "and time.",
    components=("app", "workflow"),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=job_and_instance("http_requests_total"),
    links=(
        ("Workflow quality", "/d/vw-workflow?${job:queryparam}&${instance:queryparam}"),
        ("Cache performance", "/d/vw-cache?${job:queryparam}&${instance:queryparam}"),
        ("Query performance", "/d/vw-query-performance?${job:queryparam}&${instance:queryparam}"),
        ("Tracing", "/d/vw-tracing"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Services down",
                "Services that do not answer Prometheus. Any is bad: their users get nothing.",
                COUNT,
                query(
                    f"""sum(1 - up{{{SERVICE}}}
                    and on (job) group by (job) (count_over_time(throughput_requests_per_second{{{SERVICE}}}[1d])))""",
                    "down",
                ),
                width=3,
                any_is_bad=True,
                alerts=("ServiceDown",),
            ),
            stat(
                "Requests that fail",
                "Share of answers with 5xx, of the worst service, over five minutes. See below at which endpoint, then "
                "that service's traces and log.",
                RATIO,
                query(f"max(error_rate_percentage{{{SERVICE}}}) / 100", "fail"),
                width=3,
                limits=HTTP_ERRORS,
                links=(ERROR_LOGS,),
            ),
            stat(
                "Response time, slowest twentieth",
                "95 of 100 answers of the slowest endpoint come faster, over five minutes. See below which it is, then its "
                "traces.",
                SECONDS,
                query(f"max(http_request_duration_seconds_p95{{{SERVICE}}})", "95 of 100 faster"),
                width=4,
                limits=HTTP_TIME,
            ),
            stat(
                "Requests per second",
                "Of all chosen services. A sudden fall to nothing is an outage before the services: network, name, "
                "certificate.",
                REQUESTS_PER_SECOND,
                query(f"sum(throughput_requests_per_second{{{SERVICE}}})", "requests"),
                width=3,
            ),
            stat(
                "Workflow time, slowest twentieth",
                "95 of 100 workflows of the slowest mode are faster, answers from the cache included. Mostly the model: see "
                "its queue.",
                SECONDS,
                query(
                    f"max(mode:vital_workflow_duration_seconds:p95_5m{{{SERVICE}}})",
                    "95 of 100 faster",
                ),
                width=4,
                limits=Limits(warning="workflow_latency_p95_seconds"),
            ),
            stat(
                "Success rate",
                "Share of workflows that end with an answer. The rest failed or were cancelled by who asked.",
                RATIO,
                query(
                    f"""sum(rate(vital_workflow_requests_success_total{{{SERVICE}}}[$__rate_interval]))
                    / (sum(rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "succeed",
                ),
                width=4,
                alerts=("WorkflowHighErrorRate",),
            ),
            stat(
                "Cache hit rate",
                "Share of workflows that the cache of answers served. Low means slow and dear; normal for a while after "
                "a release that changes the keys.",
                RATIO,
                query(
                    f"""(sum(rate(vital_workflow_requests_total{{{SERVICE}, cache_status="hit"}}[$__rate_interval]))
                    or 0 * sum(rate(vital_workflow_requests_total{{{SERVICE}, cache_status="miss"}}[$__rate_interval])))
                    / (sum(rate(vital_workflow_requests_total{{{SERVICE}, cache_status=~"hit|miss"}}[$__rate_interval])) > 0)""",
                    "hits",
                ),
                width=3,
                links=(("Cache performance", "/d/vw-cache?${job:queryparam}&${instance:queryparam}"),),
                alerts=("WorkflowCacheHitRateLow",),
            ),
        ),
        row(
            "HTTP requests",
            timeseries(
                "Overall request rate",
                "By service, over five minutes. One that falls alone while it is up: its clients or the way to it.",
                REQUESTS_PER_SECOND,
                query(f"throughput_requests_per_second{{{SERVICE}}}", "{{job}} {{instance}}"),
            ),
            timeseries(
                "Error rate",
                "Share of answers with 5xx by service. A step up at a restart mark is that release.",
                RATIO,
                query(f"error_rate_percentage{{{SERVICE}}} / 100", "{{job}} {{instance}}"),
                limits=HTTP_ERRORS,
                links=(ERROR_LOGS,),
            ),
            timeseries(
                "Response time percentiles",
                "From the request's headers to the end of the answer, over five minutes. Only the highest line rising: "
                "some endpoint. All: load, or what all of them ask.",
                SECONDS,
                *(
                    query(
                        f"""histogram_quantile({share}, sum by (le)
                        (instance:http_request_duration_seconds_bucket:rate5m{{{SERVICE}}}))""",
                        legend,
                    )
                    for share, legend in PERCENTILES
                ),
            ),
            timeseries(
                "Response time by endpoint, slowest twentieth",
                "The slowest endpoints. One above the limit alone is its own work; all of them wait for the same thing.",
                SECONDS,
                query(
                    f"topk(10, max by (endpoint) (http_request_duration_seconds_p95{{{SERVICE}}}))",
                    "{{endpoint}}",
                ),
                limits=HTTP_TIME,
            ),
            timeseries(
                "Response time by endpoint, slowest hundredth",
                "99 of 100 are faster, at the endpoints where it is worst. High with a low line beside it: few requests, such "
                "as those that wait for a lock or a cold cache.",
                SECONDS,
                query(
                    f"topk(10, max by (endpoint) (endpoint:http_request_duration_seconds:p99_5m{{{SERVICE}}}))",
                    "{{endpoint}}",
                ),
                limits=Limits(warning="http_latency_p99_seconds"),
            ),
            timeseries(
                "Requests by endpoint",
                "The most frequent ones. Many more of one kind than usual is a client in a loop, or an attack.",
                REQUESTS_PER_SECOND,
                query(
                    f"topk(10, sum by (method, endpoint) (rate(http_requests_total{{{SERVICE}}}[$__rate_interval])))",
                    "{{method}} {{endpoint}}",
                ),
            ),
            timeseries(
                "Answers by status",
                "5xx is the service's fault, 4xx the caller's, 499 a caller who left before the answer. Many 401 and 403: "
                "see Security.",
                REQUESTS_PER_SECOND,
                query(
                    f"sum by (status) (rate(http_requests_total{{{SERVICE}}}[$__rate_interval]))",
                    "{{status}}",
                ),
                stacked=True,
                links=(("Security", "/d/vw-security?${job:queryparam}&${instance:queryparam}"),),
            ),
            heatmap(
                "Spread of response times",
                "How many requests took how long; dots are traces. A second band far above the first is the work that misses the cache.",
                SECONDS,
                f"sum by (le) (increase(http_request_duration_seconds_bucket{{{SERVICE}}}[$__rate_interval]))",
                width=8,
            ),
            timeseries(
                "Requests at work",
                "Requests and WebSockets that are being served now. It rises when answers become slow, or callers many; "
                "above the limit they begin to wait.",
                COUNT,
                query(f"active_connections{{{SERVICE}}}", "{{job}} {{instance}}"),
                limits=Limits(warning="http_active_connections"),
            ),
            timeseries(
                "Requests now and a week ago",
                "This hour and the same hour last week. TrafficDropped warns when almost nothing is left.",
                REQUESTS_PER_SECOND,
                query(f"sum(avg_over_time(throughput_requests_per_second{{{SERVICE}}}[1h]))", "now"),
                query(
                    f"sum(avg_over_time(throughput_requests_per_second{{{SERVICE}}}[1h] offset 1w))",
                    "a week ago",
                ),
                alerts=("TrafficDropped",),
            ),
            timeseries(
                "Request size",
                "Mean size of bodies by endpoint, the largest ones. A jump makes everything behind it slower.",
                BYTES,
                query(
                    f"""topk(10, sum by (endpoint) (rate(http_request_size_bytes_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (endpoint) (rate(http_request_size_bytes_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "{{endpoint}}",
                ),
            ),
        ),
        row(
            "Workflows",
            timeseries(
                "Requests by mode",
                "Workflows that ended, by their mode. The mix decides the mean time and the cost.",
                REQUESTS_PER_SECOND,
                query(
                    f"sum by (mode) (rate(vital_mode_distribution_total{{{SERVICE}}}[$__rate_interval]))",
                    "{{mode}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Average response time",
                "Of all workflows, and of those that the cache did and did not serve. The mean rising with both parts "
                "steady: fewer hits.",
                SECONDS,
                query(
                    f"""sum(rate(vital_workflow_duration_summary_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum(rate(vital_workflow_duration_summary_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "all",
                ),
                query(
                    f"""sum by (cache_status) (rate(vital_workflow_duration_seconds_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (cache_status) (rate(vital_workflow_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "cache {{cache_status}}",
                ),
            ),
            timeseries(
                "P95 and P99 latency",
                "Of the slowest mode of each job, as the alerts see it, answers from the cache included. The lower limit is for the "
                "95th percentile, the higher for the 99th.",
                SECONDS,
                *(
                    query(
                        f"max by (job) (mode:vital_workflow_duration_seconds:{name}_5m{{{SERVICE}}})",
                        f"{{{{job}}}} {share} of 100 faster",
                    )
                    for name, share in (("p95", 95), ("p99", 99))
                ),
                limits=Limits(
                    warning="workflow_latency_p95_seconds", critical="workflow_latency_p99_seconds"
                ),
            ),
            heatmap(
                "Quality score distribution",
                "How answers are rated, 0 to 1. A second band below 0.8 is a kind of question that is answered badly.",
                NONE,
                f"sum by (le) (increase(vital_quality_score_bucket{{{SERVICE}}}[$__rate_interval]))",
                width=8,
                alerts=("WorkflowQualityLow",),
            ),
            timeseries(
                "Degraded responses",
                "Answers that are worse than they should be, by reason: a model that stood in, sources that were missing.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (reason) (rate(vital_degraded_responses_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum(rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval]))""",
                    "degraded {{reason}}",
                ),
                alerts=("WorkflowDegradationHigh",),
            ),
            timeseries(
                "Active workflows",
                "That run now, by mode. Rising at a steady rate of requests: they take longer, or hang.",
                COUNT,
                query(f"sum by (mode) (vital_active_workflows{{{SERVICE}}})", "{{mode}}"),
                stacked=True,
            ),
            bars(
                "Top tenants",
                "Who asked most in the last hour. One far above its usual share fills the queue for the others.",
                COUNT,
                query(
                    f"topk(10, sum by (tenant_id) (increase(vital_queries_per_tenant_total{{{SERVICE}}}[1h])))",
                    "{{tenant_id}}",
                ),
                width=12,
            ),
            timeseries(
                "Workflow error rate",
                "Share of workflows that raised, cancelled ones not among them, by service. The kinds of errors stand on "
                "Workflow quality.",
                RATIO,
                query(
                    f"""(sum by (instance) (rate(vital_workflow_requests_failed_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance) (rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance) (rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "{{instance}}",
                ),
                width=12,
                limits=Limits(warning="workflow_error_ratio"),
            ),
        ),
    ),
)

"""The cache of answers of applications: what it saves, and whether it is large enough."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    DOLLARS,
    EVENTS_PER_SECOND,
    OPERATIONS_PER_SECOND,
    RATIO,
    SECONDS,
    Limits,
    bars,
    heatmap,
    query,
    stat,
    timeseries,
)

SERVICE = TARGETS
HITS = Limits(warning="workflow_cache_hit_ratio", below=True)
FULL = Limits(warning="workflow_cache_full_ratio")
EVICTIONS = Limits(warning="workflow_cache_evictions_per_second")

BOARD = Board(
    name="cache",
    folder="Applications",
    title="Cache performance",
    about="The cache of answers that applications keep: how often it has the answer, what that saves, and whether it "
    "is large enough. The server beneath has its own dashboard.",
    components=("workflow",),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=job_and_instance("vital_cache_operations_total"),
    links=(
        ("Performance overview", "/d/vw-performance?${job:queryparam}&${instance:queryparam}"),
        ("LLM cost", "/d/vw-llm-cost?${job:queryparam}&${instance:queryparam}"),
        ("Cache server (DragonflyDB)", "/d/vw-dragonfly"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Hit rate, worst mode",
                "Share of look-ups that find an answer. Below the limit users wait and models cost: keys that change too "
                "often, a life that is too short, or too little room.",
                RATIO,
                query(
                    f"""min((sum by (instance, mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="hit"}}[$__rate_interval]))
                    or 0 * sum by (instance, mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="miss"}}[$__rate_interval])))
                    / (sum by (instance, mode) (rate(vital_cache_operations_total{{{SERVICE}, operation=~"hit|miss"}}[$__rate_interval])) > 0))""",
                    "worst mode",
                ),
                limits=HITS,
            ),
            stat(
                "Fullest cache",
                "Entries by those that it may hold. At 100 % each new answer pushes another out.",
                RATIO,
                query(
                    f"max(vital_cache_size_entries{{{SERVICE}}} / (vital_cache_capacity_entries{{{SERVICE}}} > 0))",
                    "full",
                ),
                limits=FULL,
                alerts=("WorkflowCacheNearCapacity",),
            ),
            stat(
                "Evictions",
                "Answers pushed out by others, per second, in the worst service. Many of them at a low hit rate: the "
                "cache is too small.",
                EVENTS_PER_SECOND,
                query(
                    f"""max(sum by (instance) (rate(vital_cache_operations_total{{{SERVICE}, operation="evict"}}[$__rate_interval]))
                    or 0 * sum by (instance) (rate(vital_cache_operations_total{{{SERVICE}}}[$__rate_interval])))""",
                    "evicted",
                ),
                limits=EVICTIONS,
            ),
            stat(
                "Look-ups",
                "Per second, in all chosen services. None: the cache is not asked, or its switch is off.",
                OPERATIONS_PER_SECOND,
                query(
                    f"""sum(rate(vital_cache_operations_total{{{SERVICE}, operation=~"hit|miss"}}[$__rate_interval]))""",
                    "look-ups",
                ),
            ),
            stat(
                "Time saved",
                "Seconds that users do not wait, each second: hits times what a miss takes longer.",
                COUNT,
                query(
                    f"""sum(
                    sum by (mode) (rate(vital_workflow_duration_seconds_count{{{SERVICE}, cache_status="hit"}}[$__rate_interval])) * (
                    sum by (mode) (rate(vital_workflow_duration_seconds_sum{{{SERVICE}, cache_status="miss"}}[$__rate_interval]))
                    / (sum by (mode) (rate(vital_workflow_duration_seconds_count{{{SERVICE}, cache_status="miss"}}[$__rate_interval])) > 0)
                    - sum by (mode) (rate(vital_workflow_duration_seconds_sum{{{SERVICE}, cache_status="hit"}}[$__rate_interval]))
                    / (sum by (mode) (rate(vital_workflow_duration_seconds_count{{{SERVICE}, cache_status="hit"}}[$__rate_interval])) > 0)))""",
                    "seconds a second",
                ),
            ),
            stat(
                "Saved an hour",
                "Estimated cost of the model calls that the cache makes needless, at the pace of now.",
                DOLLARS,
                query(
                    f"3600 * sum(rate(vital_cache_cost_saved_dollars_total{{{SERVICE}}}[$__rate_interval]))",
                    "an hour",
                ),
                links=(("LLM cost", "/d/vw-llm-cost?${job:queryparam}&${instance:queryparam}"),),
            ),
        ),
        row(
            "Does it have the answer?",
            timeseries(
                "Cache hit rate over time",
                "From the counters, by mode, in the worst service. A step down at a restart mark: the cache was emptied, or its keys changed.",
                RATIO,
                query(
                    f"""min by (mode) ((sum by (instance, mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="hit"}}[$__rate_interval]))
                    or 0 * sum by (instance, mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="miss"}}[$__rate_interval])))
                    / (sum by (instance, mode) (rate(vital_cache_operations_total{{{SERVICE}, operation=~"hit|miss"}}[$__rate_interval])) > 0))""",
                    "{{mode}}",
                ),
                width=12,
                maximum=1,
                limits=HITS,
                alerts=("WorkflowCacheHitRateLow",),
            ),
            timeseries(
                "Hit rate as the cache reports it",
                "Of whatever time the cache itself counts, by mode. Far from the rate above: it counts since its start.",
                RATIO,
                query(f"min by (mode) (vital_cache_hit_rate{{{SERVICE}}})", "{{mode}}"),
                width=12,
                maximum=1,
            ),
            timeseries(
                "Cache operations breakdown",
                "Hits, misses, writes, evictions and invalidations. Misses without writes: answers are not kept.",
                OPERATIONS_PER_SECOND,
                query(
                    f"sum by (operation) (rate(vital_cache_operations_total{{{SERVICE}}}[$__rate_interval]))",
                    "{{operation}}",
                ),
                stacked=True,
            ),
            bars(
                "Hit/miss ratio",
                "Look-ups of the last hour by mode and result. The longest bar of misses is where a better key pays.",
                COUNT,
                query(
                    f"""sum by (mode, operation)
                    (increase(vital_cache_operations_total{{{SERVICE}, operation=~"hit|miss"}}[1h]))""",
                    "{{mode}} {{operation}}",
                ),
            ),
            timeseries(
                "Cache performance by mode",
                "Mean time of a workflow whose answer was in the cache, and of one whose was not. Hits above a tenth of "
                "a second: the cache server or the way to it is slow.",
                SECONDS,
                query(
                    f"""sum by (mode, cache_status) (rate(vital_workflow_duration_seconds_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (mode, cache_status) (rate(vital_workflow_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "{{mode}} {{cache_status}}",
                ),
            ),
        ),
        row(
            "Is it large enough?",
            timeseries(
                "Cache size",
                "Entries by service. The lower it stays below the capacity, the more room there is; at the capacity it "
                "evicts.",
                COUNT,
                query(f"vital_cache_size_entries{{{SERVICE}}}", "{{instance}}"),
                query(f"min(vital_cache_capacity_entries{{{SERVICE}}})", "smallest capacity"),
            ),
            timeseries(
                "How full",
                "Entries by capacity. WorkflowCacheNearCapacity warns above the limit.",
                RATIO,
                query(
                    f"vital_cache_size_entries{{{SERVICE}}} / (vital_cache_capacity_entries{{{SERVICE}}} > 0)",
                    "{{instance}}",
                ),
                maximum=1,
                limits=FULL,
            ),
            timeseries(
                "Cache memory usage",
                "By service. Rising at a steady number of entries: the answers have grown.",
                BYTES,
                query(f"vital_cache_memory_bytes{{{SERVICE}}}", "{{instance}}"),
                links=(("Cache server (DragonflyDB)", "/d/vw-dragonfly"),),
            ),
            timeseries(
                "Evictions rate",
                "Answers pushed out to make room, by mode. Many for long: the cache is too small for what is asked; the limit "
                "above is for all modes of a service.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="evict"}}[$__rate_interval]))
                    or 0 * sum by (mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="miss"}}[$__rate_interval]))""",
                    "{{mode}}",
                ),
                alerts=("WorkflowCacheEvictionsHigh",),
            ),
            timeseries(
                "Invalidation events",
                "Answers thrown away because what they rest on has changed, by mode. A burst empties the cache: expect "
                "misses after it.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (mode) (rate(vital_cache_operations_total{{{SERVICE}, operation="invalidate"}}[$__rate_interval]))
                    or 0 * sum by (mode) (rate(vital_cache_operations_total{{{SERVICE}, operation=~"hit|miss"}}[$__rate_interval]))""",
                    "{{mode}}",
                ),
            ),
            timeseries(
                "Average entry lifetime",
                "Mean age of entries when they were found, evicted or invalidated. Far below the life that is set: they "
                "are pushed out before their time.",
                SECONDS,
                query(
                    f"""sum by (mode) (rate(vital_cache_entry_age_seconds_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (mode) (rate(vital_cache_entry_age_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "{{mode}}",
                ),
            ),
            heatmap(
                "Cache entry age distribution",
                "How old entries are when they are used or leave. Everything in the youngest cells: a longer life would "
                "not help; much near the top: it would.",
                SECONDS,
                f"sum by (le) (increase(vital_cache_entry_age_seconds_bucket{{{SERVICE}}}[$__rate_interval]))",
                width=24,
            ),
        ),
    ),
)

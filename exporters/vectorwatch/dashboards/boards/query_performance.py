"""How fast the queries of applications to their databases are, which kinds are slow, and what affinity saves."""

from __future__ import annotations

from ..board import ERROR_LOGS, TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    PERCENT,
    RATIO,
    SECONDS,
    Column,
    Limits,
    bars,
    heatmap,
    query,
    stat,
    table,
    timeseries,
)

SERVICE = TARGETS
QUERY_TIME = Limits(warning="database_query_p95_seconds")
SLOW = Limits(warning="database_slow_query_ratio")
FAILED = Limits(warning="database_query_error_ratio")

BOARD = Board(
    name="query-performance",
    folder="Search",
    title="Query performance",
    about="How long the statements of applications take in their databases, which kinds are slow, and why.",
    components=("database",),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=job_and_instance("db_query_duration_seconds_count"),
    links=(
        ("Database pool", "/d/vw-database?${job:queryparam}&${instance:queryparam}"),
        ("Predictive load", "/d/vw-prediction?${job:queryparam}&${instance:queryparam}"),
        ("Query API and RAG", "/d/vw-rag?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Query time, slowest twentieth",
                "95 of 100 statements in the slowest pool are faster. Beyond the limit look for a kind of statement that "
                "has become slow below, then for its missing index.",
                SECONDS,
                query(
                    f"max(pool:db_query_duration_seconds:p95_5m{{{SERVICE}}})",
                    "95 of 100 faster",
                ),
                limits=QUERY_TIME,
                alerts=("DatabaseQueryLatencyRegression",),
            ),
            stat(
                "Queries that fail",
                "Share of statements that raised, of the worst pool. Locks, constraints and lost connections look alike "
                "here; the kinds stand below.",
                RATIO,
                query(
                    f"""max(
                    (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}, success="false"}}[$__rate_interval]))
                    or 0 * sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "fail",
                ),
                limits=FAILED,
            ),
            stat(
                "Slow queries",
                "Share of statements above the engine's `slow_seconds`, of the worst pool. They should be the exception.",
                RATIO,
                query(
                    f"""max(
                    (sum by (instance, pool) (rate(db_slow_queries_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "slow",
                ),
                limits=SLOW,
            ),
            stat(
                "Queries per second",
                "Statements that ended, of all pools. A fall to nothing: the service is idle or cannot connect.",
                OPERATIONS_PER_SECOND,
                query(f"sum(rate(db_query_total{{{SERVICE}}}[$__rate_interval]))", "queries"),
            ),
            stat(
                "Mean query time",
                "Time spent in the database by the number of statements. It rises with every one that waits for a lock.",
                SECONDS,
                query(
                    f"""sum(rate(db_query_duration_seconds_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum(rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "mean",
                ),
            ),
            stat(
                "Connections at work",
                "Mean number of statements that run at one moment. Near the size of the pool, callers wait.",
                COUNT,
                query(f"sum(rate(db_query_duration_seconds_sum{{{SERVICE}}}[$__rate_interval]))", "at work"),
                links=(("Database pool", "/d/vw-database?${job:queryparam}&${instance:queryparam}"),),
            ),
        ),
        row(
            "How long queries take",
            timeseries(
                "Query latency percentiles",
                "Over five minutes. Only the highest line rising: some kinds of statements. All: the database, its disk or "
                "its load.",
                SECONDS,
                *(
                    query(
                        f"""histogram_quantile({share}, sum by (le)
                        (instance:db_query_duration_seconds_bucket:rate5m{{{SERVICE}}}))""",
                        legend,
                    )
                    for share, legend in (
                        (0.5, "half faster"),
                        (0.95, "95 of 100 faster"),
                        (0.99, "99 of 100 faster"),
                    )
                ),
                width=12,
            ),
            timeseries(
                "Query time by type, slowest twentieth",
                "Selects slow alone: an index is missing. Inserts and updates slow: locks, or a slow disk under the log.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, query_type)
                    (instance:db_query_duration_seconds_bucket:rate5m{{{SERVICE}}})) >= 0""",
                    "{{query_type}}",
                ),
                width=12,
            ),
            timeseries(
                "Query time by pool, slowest twentieth",
                "Which database of which service is slow. DatabaseQueryLatencyRegression watches each of them, all types "
                "of statements together.",
                SECONDS,
                query(
                    f"topk(15, pool:db_query_duration_seconds:p95_5m{{{SERVICE}}})",
                    "{{pool}} {{instance}}",
                ),
                width=12,
                limits=QUERY_TIME,
            ),
            heatmap(
                "Spread of query times",
                "Each cell is how many statements took that long; dots are traces. A second band far above: some wait for a lock or a disk.",
                SECONDS,
                f"sum by (le) (increase(db_query_duration_seconds_bucket{{{SERVICE}}}[$__rate_interval]))",
                width=12,
            ),
            timeseries(
                "Query time now and a week ago",
                "The mean of this hour and of the same hour last week. A quarter slower is a regression: "
                "look at what was released and at how much the tables have grown.",
                SECONDS,
                query(
                    f"""sum(rate(db_query_duration_seconds_sum{{{SERVICE}}}[1h]))
                    / (sum(rate(db_query_duration_seconds_count{{{SERVICE}}}[1h])) > 0)""",
                    "now",
                ),
                query(
                    f"""sum(rate(db_query_duration_seconds_sum{{{SERVICE}}}[1h] offset 1w))
                    / (sum(rate(db_query_duration_seconds_count{{{SERVICE}}}[1h] offset 1w)) > 0)""",
                    "a week ago",
                ),
                width=12,
                alerts=("DatabaseQuerySlowerThanLastWeek",),
            ),
        ),
        row(
            "What is asked",
            bars(
                "Query types distribution",
                "Statements of the last hour by their verb. A type that is new here came with a release.",
                COUNT,
                query(f"sum by (query_type) (increase(db_query_total{{{SERVICE}}}[1h]))", "{{query_type}}"),
                width=12,
            ),
            timeseries(
                "Queries by type",
                "Rate by verb. A jump of one type at steady traffic is a loop that asks row by row.",
                OPERATIONS_PER_SECOND,
                query(
                    f"sum by (query_type) (rate(db_query_total{{{SERVICE}}}[$__rate_interval]))",
                    "{{query_type}}",
                ),
                stacked=True,
                width=12,
            ),
            timeseries(
                "Time spent by type",
                "Seconds of database work each second. The largest share is where making something faster pays.",
                COUNT,
                query(
                    f"sum by (query_type) (rate(db_query_duration_seconds_sum{{{SERVICE}}}[$__rate_interval]))",
                    "{{query_type}}",
                ),
                stacked=True,
                width=12,
            ),
            timeseries(
                "Queries now and a week ago",
                "Rate of this hour and of the same hour last week. Many more for the same traffic: a release that asks "
                "more often, or a cache that is lost.",
                OPERATIONS_PER_SECOND,
                query(f"sum(rate(db_query_total{{{SERVICE}}}[1h]))", "now"),
                query(f"sum(rate(db_query_total{{{SERVICE}}}[1h] offset 1w))", "a week ago"),
                width=12,
            ),
        ),
        row(
            "What is slow or fails",
            table(
                "Slow statements",
                "Patterns (verb and tables, never values) that were slower than `slow_seconds`, most frequent first. "
                "Explain the first one in the database.",
                query(
                    f"topk(20, sum by (query_pattern, pool) (increase(db_slow_queries_total{{{SERVICE}}}[$__range])))",
                ),
                columns=(
                    Column("query_pattern", "Statement"),
                    Column("pool", "Pool"),
                    Column("Value", "In the chosen time", COUNT),
                ),
                sort_by="In the chosen time",
                width=12,
            ),
            timeseries(
                "Slow queries by pool",
                "Share of statements above `slow_seconds`. Rising with traffic: saturation. Rising by itself: growing "
                "tables.",
                RATIO,
                query(
                    f"""topk(15, (sum by (instance, pool) (rate(db_slow_queries_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "{{pool}} {{instance}}",
                ),
                width=12,
                limits=SLOW,
            ),
            timeseries(
                "Queries that fail by pool",
                "Share of statements that raised. Together with connections not had, see Database pool: the database is gone. Alone: a defect in the "
                "application, a constraint, a lock.",
                RATIO,
                query(
                    f"""topk(15, (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}, success="false"}}[$__rate_interval]))
                    or 0 * sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "{{pool}} {{instance}}",
                ),
                width=12,
                limits=FAILED,
                links=(ERROR_LOGS,),
            ),
            timeseries(
                "Errors by kind",
                "Statements that raised, by class. Operational errors are the database or the way to it; integrity "
                "errors are the application's data.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (error_type) (rate(db_query_errors_total{{{SERVICE}}}[$__rate_interval]))
                    or label_replace(0 * sum(rate(db_query_total{{{SERVICE}}}[$__rate_interval])), "error_type", "none", "", "")""",
                    "{{error_type}}",
                ),
                width=12,
                alerts=("DatabaseQueryErrors",),
            ),
        ),
        row(
            "Connection affinity",
            timeseries(
                "Connection specialization performance",
                "Percent of the time that a connection saves which has served this type of query before, where it saves "
                "least. Below 0 affinity costs more than it saves: switch it off for that type.",
                PERCENT,
                query(
                    f"""min by (query_type) (db_connection_affinity_performance_gain_percent{{{SERVICE}}})""",
                    "{{query_type}}",
                ),
                minimum=None,
                width=12,
            ),
            timeseries(
                "Affinity score",
                "How well affinity works, 0 to 1, as the application rates it. Low for a type: connections keep changing "
                "their work. The alert looks at the mean of a pool's types.",
                NONE,
                query(
                    f"min by (query_type) (db_connection_affinity_performance_score{{{SERVICE}}})",
                    "{{query_type}}",
                ),
                maximum=1,
                alerts=("DatabaseConnectionAffinityDegraded",),
                width=12,
            ),
        ),
    ),
)

"""The application's database as the application sees it: connections, circuit breaker, queries, affinity."""

from __future__ import annotations

from collections.abc import Mapping

from ..board import Board, job_and_instance, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    PERCENT,
    RATIO,
    SECONDS,
    Limits,
    State,
    bars,
    heatmap,
    query,
    stat,
    states,
    timeseries,
)

CHOSEN = 'job=~"$job", instance=~"$instance"'
USED = f"""db_connection_pool_checked_out{{{CHOSEN}}}
    / (db_connection_pool_size{{{CHOSEN}}} + db_connection_pool_max_overflow{{{CHOSEN}}}
    or db_connection_pool_size{{{CHOSEN}}} > 0)"""
"""In use of what may be opened; where there is no limit, of the size: as DatabaseConnectionPoolExhausted has it."""
QUERY_TIME = Limits(warning="database_query_p95_seconds")
BREAKER: Mapping[float, State] = {
    0: State("closed", "green"),
    1: State("open", "red"),
    2: State("half-open", "yellow"),
}

BOARD = Board(
    name="database",
    folder="Applications",
    title="Database connection pool",
    about="Connections, circuit breaker, queries and affinity of the applications' databases, as they see them.",
    components=("database",),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("db_connection_pool_size"),
    links=(
        ("Query performance", "/d/vw-query-performance?${job:queryparam}&${instance:queryparam}"),
        ("Predictive load", "/d/vw-prediction?${job:queryparam}&${instance:queryparam}"),
    ),
    rows=(
        row(
            "Does every query get a connection and an answer?",
            stat(
                "Connection pool utilization",
                "Connections in use, of all that the pool may open, on the instance where it is fullest. Above the limit "
                "queries wait: look for slow ones and for connections that are not given back, then enlarge the pool.",
                RATIO,
                query(f"max by (pool) ({USED})", "{{pool}}"),
                limits=Limits(critical="database_pool_used_ratio"),
            ),
            stat(
                "Circuit breaker status",
                "Open refuses calls to spare what lies behind; half-open tries one. If it does not close within a minute, "
                "what it guards is gone or too slow.",
                NONE,
                query(f"max by (failure_type) (db_circuit_breaker_state{{{CHOSEN}}})", "{{failure_type}}"),
                states=BREAKER,
                alerts=("DatabaseCircuitBreakerOpen",),
            ),
            stat(
                "Connections not had",
                "Attempts within five minutes that got no connection, from all instances. Any are failed requests: the "
                "database is unreachable, refuses, or the pool is exhausted (`TimeoutError`, see below).",
                COUNT,
                query(
                    f"""sum by (pool) (instance:db_connection_errors:increase5m{{{CHOSEN}}})
                    or 0 * sum by (pool) (db_connection_pool_size{{{CHOSEN}}})""",
                    "{{pool}}",
                ),
                limits=Limits(warning="database_connection_errors"),
            ),
            stat(
                "Query time, slowest twentieth",
                "95 of 100 queries are faster. Above the limit look at what kind of query it is, at "
                "locks and at the database's machine.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, pool) (rate(db_query_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))
                    >= 0""",
                    "{{pool}}",
                ),
                limits=QUERY_TIME,
            ),
            stat(
                "Connection pool efficiency",
                "Queries that end well, of all. It should be 100 %; see the errors' classes below.",
                RATIO,
                query(
                    f"""sum by (pool) (rate(db_connection_pool_successful_queries_total{{{CHOSEN}}}[$__rate_interval]))
                    / (sum by (pool) (rate(db_connection_pool_total_queries_total{{{CHOSEN}}}[$__rate_interval])) > 0)""",
                    "{{pool}}",
                ),
                alerts=("DatabaseQueryErrors",),
            ),
            stat(
                "Affinity score",
                "How well queries find the connection that has served their kind, as the application rates it, on average. "
                "Below the limit caches of the connections are of little use.",
                NONE,
                query(f"avg(db_connection_affinity_performance_score{{{CHOSEN}}})", "score"),
                limits=Limits(warning="database_affinity_score", below=True),
            ),
        ),
        row(
            "Connections",
            timeseries(
                "Connections by state",
                "Of all instances together. In use near what may be opened means waiting; overflow for long means that the "
                "pool's size is too small, since such connections are opened anew each time.",
                COUNT,
                query(f"sum by (pool) (db_connection_pool_checked_out{{{CHOSEN}}})", "{{pool}} in use"),
                query(f"sum by (pool) (db_connection_pool_checked_in{{{CHOSEN}}})", "{{pool}} idle"),
                query(
                    f"sum by (pool) (clamp_min(db_connection_pool_overflow{{{CHOSEN}}}, 0))",
                    "{{pool}} overflow",
                ),
                query(f"sum by (pool) (db_connection_pool_size{{{CHOSEN}}})", "{{pool}} size"),
                query(
                    f"sum by (pool) (db_connection_pool_max_overflow{{{CHOSEN}}})",
                    "{{pool}} overflow allowed",
                ),
                width=12,
            ),
            timeseries(
                "Pool use by instance",
                "One instance far above the others: it leaks connections, or gets more than its share of "
                "requests.",
                RATIO,
                query(f"max by (instance, pool) ({USED})", "{{instance}} {{pool}}"),
                width=12,
                limits=Limits(critical="database_pool_used_ratio"),
            ),
            timeseries(
                "Time to open a connection",
                "Network, TLS and login, failures not. When it rises the database is short of processes or far away; a pool "
                "that opens seldom hides it.",
                SECONDS,
                *(
                    query(
                        f"""histogram_quantile({quantile}, sum by (le)
                        (increase(db_connection_create_duration_seconds_bucket{{{CHOSEN}}}[1h])))""",
                        f"{name}, last hour",
                        exemplars=True,
                    )
                    for quantile, name in ((0.5, "half are faster"), (0.95, "95 of 100 are faster"))
                ),
            ),
            timeseries(
                "Connections not had, by reason",
                "`TimeoutError`: the pool is exhausted. `OperationalError`: the database refuses or cannot be reached.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (error_type) (rate(db_connection_errors_total{{{CHOSEN}}}[$__rate_interval]))
                    or label_replace(0 * sum(db_connection_pool_size{{{CHOSEN}}}), "error_type", "none", "", "")""",
                    "{{error_type}}",
                ),
                alerts=("DatabaseConnectionErrors",),
            ),
            timeseries(
                "Connections opened and thrown away",
                "Thrown away because broken or stale. Many at once: the database was restarted, or something between cuts "
                "idle connections; set the pool to recycle them earlier.",
                EVENTS_PER_SECOND,
                query(
                    f"sum(rate(db_connection_create_duration_seconds_count{{{CHOSEN}}}[$__rate_interval]))",
                    "opened",
                ),
                query(
                    f"sum(rate(db_connection_pool_invalidated_total{{{CHOSEN}}}[$__rate_interval]))",
                    "thrown away",
                ),
            ),
        ),
        row(
            "Queries",
            timeseries(
                "Queries by kind",
                "The verb of each statement. A change without one in requests: a query in a loop, or a cache that is empty.",
                OPERATIONS_PER_SECOND,
                query(
                    f"sum by (query_type) (rate(db_query_duration_seconds_count{{{CHOSEN}}}[$__rate_interval]))",
                    "{{query_type}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Query time by kind, slowest twentieth",
                "95 of 100 are faster. Writes alone slow: locks or the disk. All slow: the database's machine or the network.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, query_type)
                    (rate(db_query_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{query_type}}",
                    exemplars=True,
                ),
                limits=QUERY_TIME,
                alerts=("DatabaseQuerySlowerThanLastWeek",),
            ),
            timeseries(
                "Query time by instance, slowest twentieth",
                "What DatabaseQueryLatencyRegression looks at. One alone: look at its machine and network.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, instance, pool)
                    (rate(db_query_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{instance}} {{pool}}",
                ),
                limits=QUERY_TIME,
            ),
            timeseries(
                "Failing queries",
                "Share of the queries that fail. Together with connections not had: the database is "
                "gone. Alone: a defect in the application, a constraint, a lock.",
                RATIO,
                query(
                    f"""sum by (instance, pool)
                    (rate(db_query_duration_seconds_count{{{CHOSEN}, success="false"}}[$__rate_interval]))
                    / (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{CHOSEN}}}[$__rate_interval])) > 0)
                    or 0 * sum by (instance, pool) (db_connection_pool_size{{{CHOSEN}}})""",
                    "{{instance}} {{pool}}",
                ),
                limits=Limits(warning="database_query_error_ratio"),
            ),
            timeseries(
                "Failing queries by class",
                "What was raised. `IntegrityError` is the application's, `OperationalError` the database's.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (error_type) (rate(db_query_errors_total{{{CHOSEN}}}[$__rate_interval]))
                    or label_replace(0 * sum(db_connection_pool_size{{{CHOSEN}}}), "error_type", "none", "", "")""",
                    "{{error_type}}",
                ),
            ),
            timeseries(
                "Slow queries",
                "Share of the queries that took longer than the engine's `slow_seconds`. Which they are stands beside it; many "
                "for long want an index or a cache.",
                RATIO,
                query(
                    f"""sum by (instance, pool) (rate(db_slow_queries_total{{{CHOSEN}}}[$__rate_interval]))
                    / (sum by (instance, pool) (rate(db_query_duration_seconds_count{{{CHOSEN}}}[$__rate_interval])) > 0)
                    or 0 * sum by (instance, pool) (db_connection_pool_size{{{CHOSEN}}})""",
                    "{{instance}} {{pool}}",
                ),
                limits=Limits(warning="database_slow_query_ratio"),
            ),
            bars(
                "Slow queries by pattern",
                "The ten patterns with the most slow queries of the time shown: candidates for an index. A pattern is the verb "
                "and the tables, never a value.",
                COUNT,
                query(
                    f"""topk(10, sum by (query_pattern) (increase(db_slow_queries_total{{{CHOSEN}}}[$__range])))
                    or label_replace(0 * sum(db_connection_pool_size{{{CHOSEN}}}), "query_pattern", "none", "", "")""",
                    "{{query_pattern}}",
                ),
            ),
            heatmap(
                "Spread of query times",
                "Each cell is how many queries took that long. A second band far above: some wait for a lock or a disk.",
                SECONDS,
                f"sum by (le) (increase(db_query_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))",
                width=16,
            ),
        ),
        row(
            "Circuit breaker",
            states(
                "Worst breaker of each instance",
                "Open and half-open taking turns: what it guards is still gone. Calls are refused at once meanwhile, which "
                "users see as fast errors.",
                query(f"max by (instance) (db_circuit_breaker_state{{{CHOSEN}}})", "{{instance}}"),
                meanings=BREAKER,
                alerts=("DatabaseCircuitBreakerOpen",),
            ),
            timeseries(
                "Failures counted and recoveries",
                "Failures that the breakers counted and the times that one closed again. Failures without any opening: the "
                "breaker's limit is too high to protect anything.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (failure_type) (rate(db_circuit_breaker_failures_total{{{CHOSEN}}}[$__rate_interval]))
                    or 0 * sum by (failure_type) (db_circuit_breaker_state{{{CHOSEN}}})""",
                    "{{failure_type}} failed",
                ),
                query(
                    f"""sum by (failure_type) (rate(db_circuit_breaker_recoveries_total{{{CHOSEN}}}[$__rate_interval]))
                    or 0 * sum by (failure_type) (db_circuit_breaker_state{{{CHOSEN}}})""",
                    "{{failure_type}} recovered",
                ),
            ),
        ),
        row(
            "Connection affinity and prediction",
            timeseries(
                "Connection affinity performance",
                "Score of each kind of query, and how many a second found a connection that has served their kind. A low score "
                "with many hits: affinity brings nothing for that kind.",
                NONE,
                query(
                    f"avg by (query_type) (db_connection_affinity_performance_score{{{CHOSEN}}})",
                    "{{query_type}} score",
                ),
                query(
                    f"sum by (query_type) (rate(db_connection_affinity_hits_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{query_type}} hits per second",
                ),
                width=12,
                limits=Limits(warning="database_affinity_score", below=True),
            ),
            timeseries(
                "Affinity hit rate",
                "Queries that found a connection of their kind, of all of that kind. It falls when the pool is too small for the "
                "kinds, or connections are thrown away often.",
                RATIO,
                query(
                    f"""sum by (query_type) (rate(db_connection_affinity_hits_total{{{CHOSEN}}}[$__rate_interval]))
                    / (sum by (query_type) (rate(db_connection_affinity_hits_total{{{CHOSEN}}}[$__rate_interval]))
                    + sum by (query_type) (rate(db_connection_affinity_misses_total{{{CHOSEN}}}[$__rate_interval])) > 0)""",
                    "{{query_type}}",
                ),
                width=12,
                maximum=1,
                alerts=("DatabaseConnectionAffinityDegraded",),
            ),
            timeseries(
                "Time that affinity saves",
                "By kind of query, on average over the instances. Below 0 queries are slower on a connection of their kind: "
                "affinity is not worth its choice for them.",
                PERCENT,
                query(
                    f"avg by (query_type) (db_connection_affinity_performance_gain_percent{{{CHOSEN}}})",
                    "{{query_type}}",
                ),
                width=12,
                minimum=None,
            ),
            timeseries(
                "ML model performance",
                "How often the model of the load is right, and how sure it is of itself, on average. Below "
                "the limit do not let it change the pool: see the dashboard Predictive load.",
                RATIO,
                query(
                    f"avg(db_connection_pool_ml_model_accuracy{{{CHOSEN}}})",
                    "accuracy",
                ),
                query(f"avg(db_connection_pool_ml_prediction_confidence{{{CHOSEN}}})", "confidence"),
                width=12,
                maximum=1,
                limits=Limits(warning="database_load_prediction_accuracy_ratio", below=True),
                links=(("Predictive load", "/d/vw-prediction?${job:queryparam}&${instance:queryparam}"),),
            ),
            collapsed=True,
        ),
    ),
)

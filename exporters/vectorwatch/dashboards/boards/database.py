"""The application's database as the application sees it: connections, circuit breaker, affinity."""

from __future__ import annotations

from collections.abc import Mapping

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    PERCENT,
    RATIO,
    SECONDS,
    Limits,
    State,
    query,
    stat,
    states,
    timeseries,
)

CHOSEN = TARGETS
USED = f"""db_connection_pool_checked_out{{{CHOSEN}}}
    / (db_connection_pool_size{{{CHOSEN}}} + db_connection_pool_max_overflow{{{CHOSEN}}}
    or db_connection_pool_size{{{CHOSEN}}} > 0)"""
"""In use of what may be opened; where there is no limit, of the size: as DatabaseConnectionPoolExhausted has it."""
QUERIES = ("Query performance", "/d/vw-query-performance?${job:queryparam}&${instance:queryparam}")
BREAKER: Mapping[float, State] = {
    0: State("closed", "green"),
    1: State("open", "red"),
    2: State("half-open", "yellow"),
}

BOARD = Board(
    name="database",
    folder="Applications",
    title="Database connection pool",
    about="Connections, circuit breaker and affinity of the applications' databases, as they see them.",
    components=("database",),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("db_connection_pool_size"),
    links=(
        QUERIES,
        ("Predictive load", "/d/vw-prediction?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
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
                "Attempts within five minutes that got no connection, at the instance with most. Any are failed requests: the "
                "database is unreachable, refuses, or the pool is exhausted (`TimeoutError`, see below).",
                COUNT,
                query(
                    f"""max by (pool) (instance:db_connection_errors:increase5m{{{CHOSEN}}})
                    or 0 * sum by (pool) (db_connection_pool_size{{{CHOSEN}}})""",
                    "{{pool}}",
                ),
                limits=Limits(warning="database_connection_errors"),
            ),
            stat(
                "Query time, slowest twentieth",
                "95 of 100 queries of the slowest instance are faster. Above the limit see Query performance for what kind of "
                "query it is; look at locks and at the database's machine.",
                SECONDS,
                query(
                    f"max by (pool) (pool:db_query_duration_seconds:p95_5m{{{CHOSEN}}})",
                    "{{pool}}",
                ),
                limits=Limits(warning="database_query_p95_seconds"),
                links=(QUERIES,),
            ),
            stat(
                "Connection pool efficiency",
                "Queries that end well, of all. It should be 100 %; Query performance has the classes of the errors.",
                RATIO,
                query(
                    f"""sum by (pool) (rate(db_connection_pool_successful_queries_total{{{CHOSEN}}}[$__rate_interval]))
                    / (sum by (pool) (rate(db_connection_pool_total_queries_total{{{CHOSEN}}}[$__rate_interval])) > 0)""",
                    "{{pool}}",
                ),
                alerts=("DatabaseQueryErrors",),
                links=(QUERIES,),
            ),
            stat(
                "Affinity score",
                "How well queries find the connection that has served their kind, as the application rates it; the mean of all "
                "kinds, of the worst pool. Below the limit caches of the connections are of little use.",
                NONE,
                query(
                    f"min(avg by (instance, pool) (db_connection_affinity_performance_score{{{CHOSEN}}}))",
                    "worst pool",
                ),
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
                "How often the model of the load is right, and how sure it is of itself, on the worst instance of each job. Below "
                "the limit do not let it change the pool: see the dashboard Predictive load.",
                RATIO,
                query(f"min by (job) (db_connection_pool_ml_model_accuracy{{{CHOSEN}}})", "{{job}} accuracy"),
                query(
                    f"min by (job) (db_connection_pool_ml_prediction_confidence{{{CHOSEN}}})",
                    "{{job}} confidence",
                ),
                width=12,
                maximum=1,
                limits=Limits(warning="database_load_prediction_accuracy_ratio", below=True),
                links=(("Predictive load", "/d/vw-prediction?${job:queryparam}&${instance:queryparam}"),),
            ),
            collapsed=True,
        ),
    ),
)

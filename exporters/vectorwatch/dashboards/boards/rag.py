"""Retrieval as the application sees it: its Query API, HyDE, what models are given to read, indexes and aliases."""

from __future__ import annotations

from ..board import ERROR_LOGS, TARGETS, Board, Variable, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    Limits,
    heatmap,
    query,
    stat,
    timeseries,
)

SERVICE = TARGETS
CHOSEN = f'{SERVICE}, collection=~"$collection"'
PERCENTILES = ((0.5, "half faster"), (0.95, "95 of 100 faster"), (0.99, "99 of 100 faster"))
QUERY_ERRORS = Limits(warning="query_api_error_ratio_warning", critical="query_api_error_ratio_critical")
QUERY_TIME = Limits(warning="query_api_latency_p95_seconds")
HYDE_MISSES = Limits(warning="hyde_cache_miss_ratio")
RETRIEVAL_ERRORS = Limits(critical="rag_failure_ratio")

BOARD = Board(
    name="rag",
    folder="Search",
    title="Query API and RAG",
    about="Retrieval as applications see it: queries, hypothetical documents (HyDE), sources for models, payload "
    "indexes and aliases.",
    components=("rag",),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=(
        *job_and_instance("query_api_requests_total"),
        Variable("collection", "Collection", f"query_api_requests_total{{{SERVICE}}}"),
    ),
    links=(
        ("Vector search (Qdrant)", "/d/vw-qdrant"),
        ("HNSW quality", "/d/vw-hnsw"),
        ("Workflow quality", "/d/vw-workflow?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Query time, slowest twentieth",
                "95 of 100 queries of the slowest operation on a collection are faster. Beyond the limit compare with the "
                "time that the search server itself takes, on its dashboard.",
                SECONDS,
                query(
                    f"max(operation:query_api_duration_seconds:p95_5m{{{CHOSEN}}})",
                    "95 of 100 faster",
                ),
                limits=QUERY_TIME,
            ),
            stat(
                "Queries that fail",
                "Share of the worst collection; cancelled ones count neither way. Mostly the search server is down or "
                "the collection's alias leads nowhere.",
                RATIO,
                query(
                    f"""max(
                    (sum by (instance, collection) (rate(query_api_requests_total{{{CHOSEN}, status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, collection) (rate(query_api_requests_total{{{CHOSEN}}}[$__rate_interval])))
                    / (sum by (instance, collection) (rate(query_api_requests_total{{{CHOSEN}, status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "fail",
                ),
                limits=QUERY_ERRORS,
                links=(ERROR_LOGS,),
            ),
            stat(
                "Look-ups that miss, HyDE",
                "Share of look-ups for a hypothetical document that find none, in the worst service. Each is a call of a "
                "language model before the search begins. High after a restart, and with questions that never repeat.",
                RATIO,
                query(
                    f"""max(sum by (instance) (rate(hyde_cache_misses_total{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (instance) (rate(hyde_cache_requests_total{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "miss",
                ),
                limits=HYDE_MISSES,
            ),
            stat(
                "HyDE generation, slowest twentieth",
                "Time to write a hypothetical document, in the slowest service. Users wait for it before the search: look "
                "at the model's queue, or take a smaller model.",
                SECONDS,
                query(
                    f"""max(histogram_quantile(0.95, sum by (le, instance)
                    (rate(hyde_generation_duration_seconds_bucket{{{SERVICE}}}[$__rate_interval]))) >= 0)""",
                    "95 of 100 faster",
                ),
                limits=Limits(warning="hyde_generation_p95_seconds"),
            ),
            stat(
                "Retrievals that fail",
                "Share of the worst source in the worst service. Models then answer without sources, and sound just as sure.",
                RATIO,
                query(
                    f"""max(
                    (sum by (instance, source_type) (rate(vital_rag_retrievals_total{{{SERVICE}, status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, source_type) (rate(vital_rag_retrievals_total{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, source_type) (rate(vital_rag_retrievals_total{{{SERVICE}, status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "fail",
                ),
                limits=RETRIEVAL_ERRORS,
                links=(ERROR_LOGS,),
            ),
            stat(
                "Error budget left",
                "Of the service levels of the Query API, over 30 days. Below 0 they are missed: put reliability "
                "before features.",
                RATIO,
                query(
                    f"""min by (service_level)
                    (service_level:error_budget_remaining:ratio{{{SERVICE}, service_level=~"query-api-.+"}})""",
                    "{{service_level}}",
                ),
                alerts=("ErrorBudgetBurn", "ErrorBudgetExhausting"),
                links=(("Service levels", "/d/vw-service-levels?var-slo=query-api-latency"),),
            ),
        ),
        row(
            "Query API",
            timeseries(
                "Query performance",
                "Time to answer a query, network and search server included, over five minutes. Only the highest line "
                "rising: some kinds of queries. All: the server, or load.",
                SECONDS,
                *(
                    query(
                        f"""histogram_quantile({share}, sum by (le)
                        (instance:query_api_duration_seconds_bucket:rate5m{{{CHOSEN}}}))""",
                        legend,
                    )
                    for share, legend in PERCENTILES
                ),
                width=12,
            ),
            heatmap(
                "Spread of query times",
                "How many queries took how long; dots are traces. A second band far above the first is a kind of query that misses an "
                "index or a cache.",
                SECONDS,
                f"sum by (le) (increase(query_api_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))",
            ),
            timeseries(
                "Queries",
                "By operation and outcome. Many cancelled ones mean that callers do not wait any longer.",
                REQUESTS_PER_SECOND,
                query(
                    f"""sum by (operation, status)
                    (rate(query_api_requests_total{{{CHOSEN}}}[$__rate_interval]))""",
                    "{{operation}} {{status}}",
                ),
            ),
            timeseries(
                "Queries that fail by collection",
                "Share in the worst service. One collection alone: its alias, its filters or its dimensions. All: the search server or the way to it.",
                RATIO,
                query(
                    f"""topk(15, max by (collection) ((sum by (instance, collection) (rate(query_api_requests_total{{{CHOSEN}, status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, collection) (rate(query_api_requests_total{{{CHOSEN}}}[$__rate_interval])))
                    / (sum by (instance, collection) (rate(query_api_requests_total{{{CHOSEN}, status!="cancelled"}}[$__rate_interval])) > 0)))""",
                    "{{collection}}",
                ),
                limits=QUERY_ERRORS,
            ),
            timeseries(
                "Query time by operation, slowest twentieth",
                "Which operation on which collection is slow, in the slowest service. QueryAPISlowdown watches each of them.",
                SECONDS,
                query(
                    f"""topk(15, max by (operation, collection)
                    (operation:query_api_duration_seconds:p95_5m{{{CHOSEN}}}))""",
                    "{{operation}} {{collection}}",
                ),
                limits=QUERY_TIME,
            ),
        ),
        row(
            "Vector database, from the client's side",
            timeseries(
                "Search time at the client, slowest twentieth",
                "Beside the server's own time on its dashboard: the difference is network, connections and waiting in "
                "the client.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, search_type)
                    (rate(qdrant_client_search_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{search_type}}",
                    exemplars=True,
                ),
                links=(("Vector search (Qdrant)", "/d/vw-qdrant"),),
            ),
            timeseries(
                "Searches sent",
                "By kind and outcome. Errors here that the server does not count never reached it.",
                REQUESTS_PER_SECOND,
                query(
                    f"""sum by (search_type, status)
                    (rate(qdrant_client_search_requests_total{{{CHOSEN}}}[$__rate_interval]))""",
                    "{{search_type}} {{status}}",
                ),
            ),
            timeseries(
                "Changes sent",
                "Upserts, collections and indexes that the application made in the last hour, by outcome. Errors leave "
                "search without the newest data.",
                COUNT,
                query(
                    f"""sum by (operation, status)
                    (increase(qdrant_client_index_operations_total{{{CHOSEN}}}[1h]))""",
                    "{{operation}} {{status}}",
                ),
            ),
        ),
        row(
            "HyDE: hypothetical documents to search with",
            timeseries(
                "HyDE performance tracking",
                "Look-ups in the cache of generated documents, by what they found. Only misses: the cache is lost, or "
                "its key changes with each question.",
                EVENTS_PER_SECOND,
                query(f"sum(rate(hyde_cache_hits_total{{{SERVICE}}}[$__rate_interval]))", "hits"),
                query(f"sum(rate(hyde_cache_misses_total{{{SERVICE}}}[$__rate_interval]))", "misses"),
                stacked=True,
            ),
            timeseries(
                "HyDE generation time",
                "How long the model writes a document; dots are traces. It adds to the time of every query that misses "
                "the cache; where that is seldom, the mean of an hour says more.",
                SECONDS,
                query(
                    f"""sum(rate(hyde_generation_duration_seconds_sum{{{SERVICE}}}[1h]))
                    / (sum(rate(hyde_generation_duration_seconds_count{{{SERVICE}}}[1h])) > 0)""",
                    "mean of an hour",
                ),
                query(
                    f"""histogram_quantile(0.95, sum by (le)
                    (rate(hyde_generation_duration_seconds_bucket{{{SERVICE}}}[$__rate_interval])))""",
                    "95 of 100 faster",
                    exemplars=True,
                ),
                limits=Limits(warning="hyde_generation_p95_seconds"),
            ),
            timeseries(
                "HyDE look-ups that miss by service",
                "Share that must be generated, of the last hour. Above the limit in the long run HyDE costs more than it "
                "is worth.",
                RATIO,
                query(
                    f"""sum by (instance) (rate(hyde_cache_misses_total{{{SERVICE}}}[1h]))
                    / (sum by (instance) (rate(hyde_cache_requests_total{{{SERVICE}}}[1h])) > 0)""",
                    "{{instance}}",
                ),
                maximum=1,
                limits=HYDE_MISSES,
                alerts=("HyDECacheMissRate",),
            ),
        ),
        row(
            "Sources for models",
            timeseries(
                "Retrievals",
                "By source and outcome. None while workflows run: models answer from memory.",
                REQUESTS_PER_SECOND,
                query(
                    f"""sum by (source_type, status)
                    (rate(vital_rag_retrievals_total{{{SERVICE}}}[$__rate_interval]))""",
                    "{{source_type}} {{status}}",
                ),
            ),
            timeseries(
                "Retrievals that fail by source",
                "Share of each source in the worst service. RAGFailureRateHigh pages, because answers look as good as before.",
                RATIO,
                query(
                    f"""max by (source_type) ((sum by (instance, source_type) (rate(vital_rag_retrievals_total{{{SERVICE}, status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, source_type) (rate(vital_rag_retrievals_total{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, source_type) (rate(vital_rag_retrievals_total{{{SERVICE}, status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "{{source_type}}",
                ),
                limits=RETRIEVAL_ERRORS,
            ),
            timeseries(
                "Retrieval time, slowest twentieth",
                "95 of 100 are faster; dots are traces. It is part of what users wait for.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, source_type)
                    (rate(vital_rag_retrieval_duration_seconds_bucket{{{SERVICE}}}[$__rate_interval])))""",
                    "{{source_type}}",
                    exemplars=True,
                ),
            ),
            timeseries(
                "Documents a retrieval finds",
                "Mean by source. A fall means a filter that is too narrow, or an index that lost documents.",
                COUNT,
                query(
                    f"""sum by (source_type) (rate(vital_rag_documents_retrieved_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (source_type) (rate(vital_rag_documents_retrieved_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "{{source_type}}",
                ),
                width=12,
            ),
            timeseries(
                "Retrievals that find nothing",
                "Share by source that ended well and brought no document. They are no failures, and the model has as "
                "little to read.",
                RATIO,
                query(
                    f"""sum by (source_type) (rate(vital_rag_documents_retrieved_bucket{{{SERVICE}, le=~"0|0.0"}}[$__rate_interval]))
                    / (sum by (source_type) (rate(vital_rag_documents_retrieved_count{{{SERVICE}}}[$__rate_interval])) > 0)""",
                    "{{source_type}}",
                ),
                width=12,
            ),
        ),
        row(
            "Payload indexes and aliases",
            timeseries(
                "Payload index operations",
                "In the last hour, by operation and type of field. They are seldom; a storm of them means a service that "
                "makes its indexes at each start.",
                COUNT,
                query(
                    f"""sum by (operation, field_type)
                    (increase(payload_indexing_duration_seconds_count{{{SERVICE}}}[1h]))""",
                    "{{operation}} {{field_type}}",
                ),
            ),
            timeseries(
                "Payload index operations, slowest twentieth",
                "Within a quarter of an hour. PayloadIndexingSlow takes the lower limit for asking an index, the higher one "
                "for building it, which reads every point.",
                SECONDS,
                query(
                    f"""max by (operation, field_type) (histogram_quantile(0.95, sum by (le, instance, operation, field_type)
                    (instance:payload_indexing_duration_seconds_bucket:increase15m{{{SERVICE}}})) >= 0)""",
                    "{{operation}} {{field_type}}",
                ),
                limits=Limits(
                    warning="payload_index_query_p95_seconds", critical="payload_index_change_p95_seconds"
                ),
            ),
            timeseries(
                "Payload indexes and aliases that failed",
                "Operations that raised within five minutes. Any is bad: filters stay slow, or searches go to the wrong "
                "collection.",
                COUNT,
                query(
                    f"""sum by (operation) (instance:payload_indexing_errors:increase5m{{{SERVICE}}})
                    or 0 * sum by (operation) (increase(payload_indexing_duration_seconds_count{{{SERVICE}}}[1h]))""",
                    "index {{operation}}",
                ),
                query(
                    f"""sum by (operation) (instance:collection_alias_errors:increase5m{{{SERVICE}}})
                    or 0 * sum by (operation) (increase(collection_alias_operations_total{{{SERVICE}}}[1h]))""",
                    "alias {{operation}}",
                ),
                alerts=("PayloadIndexingFailed", "CollectionAliasOperationFailed"),
            ),
            timeseries(
                "Alias operations",
                "In the last hour, by operation and outcome. A switch is a release of data: expect search to change "
                "with it.",
                COUNT,
                query(
                    f"""sum by (operation, status)
                    (increase(collection_alias_operations_total{{{SERVICE}}}[1h]))""",
                    "{{operation}} {{status}}",
                ),
                width=12,
            ),
            timeseries(
                "Alias operations, slowest twentieth",
                "Within a quarter of an hour. They wait for consensus and for the write-ahead log: slow ones tell of a "
                "busy cluster.",
                SECONDS,
                query(
                    f"""max by (operation) (histogram_quantile(0.95, sum by (le, instance, operation)
                    (instance:collection_alias_duration_seconds_bucket:increase15m{{{SERVICE}}})) >= 0)""",
                    "{{operation}}",
                ),
                width=12,
                limits=Limits(warning="collection_alias_p95_seconds"),
            ),
        ),
    ),
)

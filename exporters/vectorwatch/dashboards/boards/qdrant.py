"""Whether Qdrant is well: its searches, its collections, what it uses, and its cluster."""

from __future__ import annotations

from collections.abc import Mapping

from ..board import TARGETS, Board, Variable, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    UP_DOWN,
    Column,
    Limits,
    State,
    bars,
    heatmap,
    query,
    stat,
    states,
    table,
    timeseries,
)

SERVER = TARGETS
CHOSEN = f'{SERVER}, collection=~"$collection"'
SCRAPED = '__name__=~"qdrant_up|app_info"'  # the exporter's job and the server's own
SEARCHES = f'{SERVER}, search_type!="probe"'  # the probe's own time stands on its dashboard
LATENCY = Limits(warning="vector_search_seconds_warning", critical="vector_search_seconds_critical")
ERRORS = Limits(warning="qdrant_error_ratio_warning", critical="qdrant_error_ratio_critical")
COLLECTION_STATES: Mapping[float, State] = {
    0: State("green", "green"),
    1: State("yellow", "yellow"),
    2: State("grey", "orange"),
    3: State("red", "red"),
}

BOARD = Board(
    name="qdrant",
    folder="Search",
    title="Vector search (Qdrant)",
    about="Whether Qdrant answers fast and without errors, whether its collections are well, and what it uses.",
    components=("qdrant",),
    variables=(
        Variable("job", "Job", f"{{{SCRAPED}}}"),
        Variable("instance", "Instance", f'{{{SCRAPED}, job=~"$job"}}'),
        Variable("collection", "Collection", f"qdrant_collection_points{{{SERVER}}}"),
    ),
    links=(
        ("HNSW quality", "/d/vw-hnsw?${instance:queryparam}&${collection:queryparam}"),
        ("Query API and RAG", "/d/vw-rag"),
        ("Capacity", "/d/vw-capacity?${instance:queryparam}"),
        logs_of("qdrant", "qdrant-exporter"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Servers down",
                "Servers that the exporter cannot read. Any is bad: every search of what they hold fails.",
                COUNT,
                query(f"sum(1 - qdrant_up{{{SERVER}}})", "down"),
                width=3,
                any_is_bad=True,
                alerts=("QdrantDown",),
            ),
            stat(
                "Collections that failed",
                "Red collections and failed optimizers. Any is bad: writes are lost or new vectors get no index; "
                "the log of the server says why.",
                COUNT,
                query(
                    f"""sum(max by (job, instance, collection) (qdrant_collection_status{{{CHOSEN}, status="red"}}
                    or 1 - qdrant_collection_optimizer_ok{{{CHOSEN}}}))""",
                    "failed",
                ),
                width=3,
                any_is_bad=True,
                alerts=("QdrantCollectionRed", "QdrantOptimizerFailed"),
            ),
            stat(
                "Search time, slowest twentieth",
                "In the server, of the slowest server. Beyond the limits look at memory, at vectors outside the index "
                "and at load.",
                SECONDS,
                query(f"max(instance:qdrant_search_duration_seconds:p95_5m{{{SERVER}}})", "95 of 100 faster"),
                width=4,
                limits=LATENCY,
            ),
            stat(
                "Requests that fail",
                "Share of answers with 5xx, of the worst server. These are the server's own failures: see its log and "
                "the state of its collections.",
                RATIO,
                query(
                    f"""max(
                    (sum by (instance) (rate(rest_responses_total{{{SERVER}, status=~"5.."}}[$__rate_interval]))
                    or 0 * sum by (instance) (rate(rest_responses_total{{{SERVER}}}[$__rate_interval])))
                    / (sum by (instance) (rate(rest_responses_total{{{SERVER}}}[$__rate_interval])) > 0))""",
                    "fail",
                ),
                width=4,
                limits=ERRORS,
            ),
            stat(
                "Recall, worst collection",
                "Share of the true neighbours that a search finds, as the probe measures it. A fast search that finds "
                "the wrong things is not well: see HNSW quality.",
                RATIO,
                query(
                    'min(hnsw:recall:ratio{instance=~"$instance", collection=~"$collection"})',
                    "worst collection",
                ),
                width=4,
                alerts=("RecallLow",),
                links=(("HNSW quality", "/d/vw-hnsw?${instance:queryparam}&${collection:queryparam}"),),
            ),
            stat(
                "Points",
                "In all chosen collections, as Qdrant estimates them; of nodes that share one the highest figure. A step "
                "down that nobody meant is a loss.",
                COUNT,
                query(f"sum(max by (collection) (qdrant_collection_points{{{CHOSEN}}}))", "points"),
                width=3,
            ),
            stat(
                "Version",
                "What runs, and on how many servers. Two versions for long mean an update that stopped half-way.",
                COUNT,
                query(f"count by (version) (qdrant_server_info{{{SERVER}}})", "{{version}}"),
                width=3,
            ),
        ),
        row(
            "What searches are like",
            timeseries(
                "Searches",
                "By kind and outcome, as the server counts them, the probe's included. Errors are mostly wrong "
                "requests (4xx); a fall to nothing means that clients do not get here.",
                REQUESTS_PER_SECOND,
                query(
                    f"sum by (search_type, status) (rate(qdrant_search_requests_total{{{SERVER}}}[$__rate_interval]))",
                    "{{search_type}} {{status}}",
                ),
                alerts=("SearchTrafficDropped",),
            ),
            timeseries(
                "Search time",
                "In all servers together, without the network, of searches that succeeded. Only the highest line rising: some "
                "searches scan or read from disk. All rising: load.",
                SECONDS,
                *(
                    query(
                        f"""histogram_quantile({share}, sum by (le)
                        (rate(qdrant_search_duration_seconds_bucket{{{SEARCHES}}}[$__rate_interval])))""",
                        legend,
                    )
                    for share, legend in (
                        (0.5, "half faster"),
                        (0.95, "95 of 100 faster"),
                        (0.99, "99 of 100 faster"),
                    )
                ),
                limits=LATENCY,
            ),
            heatmap(
                "Spread of search times",
                "How many searches took how long. Two bands are two kinds of searches, such as with and without a "
                "payload index for their filter.",
                SECONDS,
                f"sum by (le) (increase(qdrant_search_duration_seconds_bucket{{{SEARCHES}}}[$__rate_interval]))",
                width=8,
            ),
            timeseries(
                "Requests that fail by server",
                "Share of answers with 5xx. One server alone: its disk or memory. All: what was deployed or sent.",
                RATIO,
                query(
                    f"""(sum by (instance) (rate(rest_responses_total{{{SERVER}, status=~"5.."}}[$__rate_interval]))
                    or 0 * sum by (instance) (rate(rest_responses_total{{{SERVER}}}[$__rate_interval])))
                    / (sum by (instance) (rate(rest_responses_total{{{SERVER}}}[$__rate_interval])) > 0)""",
                    "{{instance}}",
                ),
                limits=ERRORS,
            ),
            timeseries(
                "Away from the usual",
                "How many standard deviations the mean search time is above its own last day. Beyond the limit "
                "something is new: load, data, or a setting.",
                NONE,
                query(
                    f"""(instance:search_duration:mean5m{{{SERVER}}} - instance:search_duration:avg1d{{{SERVER}}})
                    / (instance:search_duration:stddev1d{{{SERVER}}} > 0)""",
                    "{{instance}}",
                ),
                minimum=None,
                limits=Limits(warning="search_anomaly_deviations"),
            ),
            timeseries(
                "Search time now and a week ago",
                "The hour's mean beside that of the same hour last week. A lasting gap means that the same work has "
                "become dearer: more points, more segments, fewer indexes.",
                SECONDS,
                query(
                    f"avg(avg_over_time(instance:search_duration:mean5m{{{SERVER}}}[1h]))",
                    "now",
                ),
                query(
                    f"avg(avg_over_time(instance:search_duration:mean5m{{{SERVER}}}[1h] offset 1w))",
                    "a week ago",
                ),
                alerts=("SearchSlowerThanLastWeek", "SearchLatencyAnomalous"),
            ),
        ),
        row(
            "Collections",
            states(
                "State of collections",
                "Yellow optimizes, which is normal for a while; grey waits for a write before it optimizes; red has "
                "failed. Follow the runbook of whichever lasts.",
                query(
                    f"""topk(20, max by (instance, collection) (3 * qdrant_collection_status{{{CHOSEN}, status="red"}}
                    or 2 * qdrant_collection_status{{{CHOSEN}, status="grey"}}
                    or qdrant_collection_status{{{CHOSEN}, status="yellow"}}))""",
                    "{{collection}} {{instance}}",
                ),
                meanings=COLLECTION_STATES,
                alerts=("QdrantCollectionYellow", "QdrantCollectionGrey"),
            ),
            timeseries(
                "Points by collection",
                "The largest ones. A fall is deleted or lost data; a steep rise needs memory soon.",
                COUNT,
                query(
                    f"topk(15, max by (instance, collection) (qdrant_collection_points{{{CHOSEN}}}))",
                    "{{collection}} {{instance}}",
                ),
                width=12,
                alerts=("QdrantPointsDropped", "QdrantCollectionVanished", "CollectionGrowingFast"),
            ),
            table(
                "Collections now",
                "Many segments or vectors outside the index make searches slow; warnings name a setting that the server "
                "advises against. Small collections have no index on purpose.",
                query(
                    f"max by (instance, collection) (qdrant_collection_approximate_points{{{CHOSEN}}})",
                ),
                query(f"max by (instance, collection) (qdrant_collection_indexed_vectors{{{CHOSEN}}})"),
                query(f"max by (instance, collection) (qdrant_collection_segments{{{CHOSEN}}})"),
                query(f"max by (instance, collection) (qdrant_collection_payload_indexes{{{CHOSEN}}})"),
                query(f"max by (instance, collection) (qdrant_collection_warnings{{{CHOSEN}}})"),
                query(f"max by (instance, collection) (qdrant_collection_configured_shards{{{CHOSEN}}})"),
                columns=(
                    Column(
                        "collection",
                        "Collection",
                        link="/d/vw-hnsw?var-collection=${__value.raw:percentencode}",
                    ),
                    Column("instance", "Server"),
                    Column("Value #A", "Points", COUNT),
                    Column("Value #B", "Indexed vectors", COUNT),
                    Column("Value #C", "Segments", COUNT),
                    Column("Value #D", "Payload indexes", COUNT),
                    Column("Value #E", "Warnings", COUNT),
                    Column("Value #F", "Shards", COUNT),
                ),
                sort_by="Points",
            ),
            timeseries(
                "Vectors outside the index",
                "Share that every search must scan one by one. It falls while the optimizer works; a large collection "
                "that stays above the limit has an optimizer that does not keep up. Small ones stay at 100 % on purpose.",
                RATIO,
                query(
                    f"topk(15, max by (instance, collection) (qdrant_collection_unindexed_ratio{{{CHOSEN}}}))",
                    "{{collection}} {{instance}}",
                ),
                maximum=1,
                limits=Limits(warning="qdrant_unindexed_ratio"),
            ),
            timeseries(
                "Writes that wait",
                "Updates that are not applied yet, and points that searches do not see before they are indexed. Growing: "
                "more is written than the server can take in; write slower or give it more processors.",
                COUNT,
                query(
                    f"topk(10, max by (instance, collection) (qdrant_collection_queued_updates{{{CHOSEN}}}))",
                    "updates {{collection}} {{instance}}",
                ),
                query(
                    f"topk(10, max by (instance, collection) (qdrant_collection_deferred_points{{{CHOSEN}}}))",
                    "hidden points {{collection}} {{instance}}",
                ),
                alerts=("QdrantPointsHidden",),
            ),
            timeseries(
                "Optimizations that run",
                "The server merges segments and builds indexes. All the time and on every collection: too many small "
                "writes; searches share the processors with it.",
                COUNT,
                query(
                    f"""topk(10, max by (instance, id) (collection_running_optimizations{{{SERVER}, id=~"$collection"}}))""",
                    "{{id}} {{instance}}",
                ),
            ),
        ),
        row(
            "What it uses, and causes",
            timeseries(
                "Memory",
                "What the server holds, mapped files not counted. Above the limit vectors belong on disk or quantized, "
                "or on more servers.",
                BYTES,
                query(f"qdrant_memory_usage_bytes{{{SERVER}}}", "{{instance}}"),
                limits=Limits(warning="qdrant_memory_bytes"),
                links=(("Capacity", "/d/vw-capacity?${instance:queryparam}"),),
            ),
            timeseries(
                "Open files",
                "Of those allowed to the process. At 100 % the server can open no segment and no connection.",
                RATIO,
                query(
                    f"""process_open_fds{{{SERVER}, job="qdrant"}}
                    / (process_max_fds{{{SERVER}, job="qdrant"}} > 0)""",
                    "{{instance}}",
                ),
                limits=Limits(warning="process_open_files_ratio"),
            ),
            timeseries(
                "Memory maps",
                "Of those that the kernel allows (vm.max_map_count). At 100 % the server dies: raise the limit, or have "
                "fewer segments.",
                RATIO,
                query(
                    f"process_open_mmaps{{{SERVER}}} / (system_max_mmaps{{{SERVER}}} > 0)",
                    "{{instance}}",
                ),
                limits=Limits(warning="qdrant_memory_maps_ratio"),
            ),
            timeseries(
                "Requests by endpoint",
                "What the server is asked to do, the most frequent kinds. It shows who makes the load: writes, scrolls "
                "or searches.",
                REQUESTS_PER_SECOND,
                query(
                    f"topk(10, sum by (method, endpoint) (rate(rest_responses_total{{{SERVER}}}[$__rate_interval])))",
                    "{{method}} {{endpoint}}",
                ),
                query(
                    f"topk(10, sum by (endpoint) (rate(grpc_responses_total{{{SERVER}}}[$__rate_interval])))",
                    "gRPC {{endpoint}}",
                ),
            ),
            timeseries(
                "Time by endpoint, slowest twentieth",
                "95 of 100 requests that succeeded are faster. A slow write holds searches up as well.",
                SECONDS,
                query(
                    f"""topk(10, histogram_quantile(0.95, sum by (le, method, endpoint)
                    (rate(rest_responses_duration_seconds_bucket{{{SERVER}}}[$__rate_interval]))) >= 0)""",
                    "{{method}} {{endpoint}}",
                ),
            ),
            timeseries(
                "What the exporter could not read",
                "Reasons of failed reads and collections left out. Above 0 this dashboard does not show everything: look "
                "at the exporter's key, address and settings.",
                COUNT,
                query(f"sum by (reason) (qdrant_scrape_failed{{{SERVER}}})", "{{reason}}"),
                query(
                    f"""sum(qdrant_skipped_collections{{{SERVER}}} + qdrant_unreadable_collections{{{SERVER}}})""",
                    "collections left out",
                ),
                alerts=("TargetUnreadable",),
            ),
        ),
        row(
            "Aliases, indexes and settings",
            table(
                "Aliases",
                "Which collection an alias leads to, and its points. Applications that search by a missing alias get "
                "errors; one that leads to an empty collection finds nothing.",
                query(
                    f"""max by (instance, alias, collection) (qdrant_alias_info{{{CHOSEN}}}
                    * on (job, instance, collection) group_left () qdrant_collection_points{{{CHOSEN}}})"""
                ),
                columns=(
                    Column("alias", "Alias"),
                    Column("collection", "Collection"),
                    Column("instance", "Server"),
                    Column("Value", "Points", COUNT),
                ),
                width=12,
                alerts=("QdrantAliasMoved", "QdrantAliasMissing"),
            ),
            table(
                "Payload indexes",
                "Fields that filters can use quickly, and how many points have them. A filter on any other field is "
                "slow, and the graph may miss neighbours.",
                query(
                    f"max by (collection, field, data_type) (qdrant_collection_payload_index_points{{{CHOSEN}}})"
                ),
                columns=(
                    Column("collection", "Collection"),
                    Column("field", "Field"),
                    Column("data_type", "Type"),
                    Column("Value", "Points", COUNT),
                ),
                width=12,
                alerts=("QdrantPayloadIndexMissing",),
            ),
            table(
                "How vectors are kept",
                "Parameters of each vector. `m` 0 has no graph; quantization saves memory and costs recall; on disk "
                "saves more and costs time.",
                query(
                    f"""max by (collection, vector, kind, size, distance, m, ef_construct, quantization, on_disk)
                    (qdrant_collection_vector_info{{{CHOSEN}}})"""
                ),
                columns=(
                    Column("collection", "Collection"),
                    Column("vector", "Vector"),
                    Column("kind", "Kind"),
                    Column("size", "Size"),
                    Column("distance", "Distance"),
                    Column("m", "m"),
                    Column("ef_construct", "ef_construct"),
                    Column("quantization", "Quantization"),
                    Column("on_disk", "On disk"),
                ),
                height=6,
            ),
            timeseries(
                "Payload indexes made",
                "Requests to make an index in the last hour, by outcome. Errors here leave filters slow.",
                COUNT,
                query(
                    f"sum by (operation, status) (increase(qdrant_index_operations_total{{{SERVER}}}[1h]))",
                    "{{operation}} {{status}}",
                ),
                width=12,
            ),
            bars(
                "Issues that the server reports",
                "Above 0 the server itself says what is slow, such as filters on fields without an index; "
                "GET /issues has the details.",
                COUNT,
                query(f"sum by (kind) (qdrant_issues{{{SERVER}}})", "{{kind}}"),
                width=12,
            ),
            collapsed=True,
        ),
        row(
            "Cluster and recovery",
            states(
                "Consensus and recovery",
                "Whether each node takes part in decisions, knows a leader and serves its collections. Without consensus "
                "no collection can be changed; in recovery mode a server refuses all searches.",
                query(f'qdrant_consensus_state{{{SERVER}, state="working"}}', "{{instance}} works"),
                query(f"qdrant_consensus_leader_known{{{SERVER}}}", "{{instance}} knows a leader"),
                query(f"1 - app_status_recovery_mode{{{SERVER}}}", "{{instance}} serves"),
                meanings=UP_DOWN,
                alerts=("QdrantConsensusStopped", "QdrantLeaderUnknown", "QdrantRecoveryMode"),
            ),
            timeseries(
                "Copies of shards by state",
                "Everything but Active serves no request. Dead ones come back by a transfer from a living copy.",
                COUNT,
                query(
                    f"sum by (state) (max by (collection, state) (qdrant_collection_replicas{{{CHOSEN}}}))",
                    "{{state}}",
                ),
                width=12,
                alerts=("QdrantReplicaDead", "QdrantUnderReplicated"),
            ),
            stat(
                "Shards without an active copy",
                "Their part of every search is missing. Bring back a node that has a copy.",
                COUNT,
                query(
                    f"""sum(1 - max by (collection, shard) (qdrant_collection_replica_active{{{CHOSEN}}}))""",
                    "unavailable",
                ),
                any_is_bad=True,
                alerts=("QdrantShardUnavailable",),
            ),
            timeseries(
                "Decisions to apply",
                "Operations of the cluster that a node has not carried out yet. A node that stays above the limit is too "
                "slow or stuck.",
                COUNT,
                query(f"qdrant_consensus_pending_operations{{{SERVER}}}", "{{instance}}"),
                limits=Limits(warning="qdrant_pending_operations"),
            ),
            timeseries(
                "Messages that did not arrive",
                "By the node that sent and the one that should have got them. Above 0: network, firewall, or the node "
                "is down.",
                EVENTS_PER_SECOND,
                query(
                    f"topk(10, sum by (instance, peer) (rate(qdrant_consensus_send_failures_total{{{SERVER}}}[$__rate_interval])))",
                    "{{instance}} to {{peer}}",
                ),
                width=6,
                alerts=("QdrantPeerUnreachable",),
            ),
            timeseries(
                "Transfers that run",
                "Shards that are copied or split now. They take network and disk from searches; none ends for hours: "
                "look at the receiving node.",
                COUNT,
                query(
                    f"sum(max by (collection) (qdrant_collection_shard_transfers{{{CHOSEN}}}))",
                    "transfers",
                ),
                query(
                    f"sum(max by (collection) (qdrant_collection_resharding_operations{{{CHOSEN}}}))",
                    "resharding",
                ),
                width=6,
            ),
            collapsed=True,
        ),
    ),
)

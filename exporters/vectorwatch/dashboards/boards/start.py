"""Is all well? Every component on one screen, and what search, cache and cards do now."""

from __future__ import annotations

from collections.abc import Mapping

from ..board import ERROR_LOGS, TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    CELSIUS,
    COUNT,
    NONE,
    RATIO,
    REQUESTS_PER_SECOND,
    RUNBOOKS,
    SECONDS,
    Column,
    Limits,
    Query,
    State,
    query,
    stat,
    states,
    table,
    timeseries,
)

CHOSEN = TARGETS
LATENCY = Limits(warning="vector_search_seconds_warning", critical="vector_search_seconds_critical")
HIT_RATE = Limits(warning="cache_hit_rate_warning", critical="cache_hit_rate_critical", below=True)
VRAM = Limits(warning="gpu_memory_ratio_warning", critical="gpu_memory_ratio_critical")
WEEK = "7d"

HEALTH: Mapping[float, State] = {
    -1: State("not watched", "text"),
    0: State("well", "green"),
    1: State("warning", "orange"),
    2: State("critical", "red"),
}


def health(component: str, dashboard: str, alerts: str, watched: str) -> Query:
    """Return what the worst of the alerts that `alerts` selects says of a component; -1 without `watched`."""
    return query(
        f"""max(
          2 * ALERTS{{alertstate="firing", severity="critical", {alerts}}}
          or ALERTS{{alertstate="firing", severity="warning", {alerts}}}
          or 0 * {watched}
          or vector(-1)
        )""",
        component,
        opens=f"/d/vw-{dashboard}",
    )


BOARD = Board(
    name="start",
    folder="Overview",
    title="Start here",
    about="Is everything well, and if not, where? Each component opens its dashboard.",
    components=(),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("up"),
    links=(
        ("Alerts", "/d/vw-alerts"),
        ("Service levels", "/d/vw-service-levels"),
        ("Capacity", "/d/vw-capacity"),
        logs_of(),
    ),
    rows=(
        row(
            "Is all well?",
            stat(
                "Components",
                "What the worst firing alert says of each component, whatever is chosen above. Click on one to see why. "
                "Nothing is known of what is not watched: add it to prometheus/targets, or instrument it. Monitoring is critical "
                "without the Watchdog, too: no rule runs then.",
                NONE,
                health("Vector store", "qdrant", 'component="qdrant"', '(up{job="qdrant"} or qdrant_up)'),
                health("Search quality", "hnsw", 'component="hnsw"', "hnsw_up"),
                health(
                    "Indexes",
                    "qdrant",
                    'alertname=~"Qdrant(Collection.+|VectorsUnindexed|OptimizerFailed|PayloadIndexMissing|PointsHidden)|PayloadIndexing.+"',
                    "qdrant_collection_indexed_vectors",
                ),
                health(
                    "Aliases",
                    "rag",
                    'alertname=~"QdrantAlias.+|CollectionAlias.+"',
                    "qdrant_aliases",
                ),
                health("HyDE", "rag", 'alertname=~"HyDE.+"', "hyde_cache_requests_total"),
                health("Query API", "rag", 'alertname=~"QueryAPI.+"', "query_api_requests_total"),
                health("Cache", "dragonfly", 'component="cache"', '(up{job="dragonfly"} or dragonfly_up)'),
                health("GPU", "gpu", 'component="gpu"', "(gpu_devices > 0)"),
                health("AI models", "models", 'component="model"', "model_inference_duration_seconds_count"),
                health("Database", "database", 'component="database"', "db_connection_pool_size"),
                health("Network", "blackbox", 'component="endpoint"', "probe_success"),
                health(
                    "Applications",
                    "performance",
                    'component=~"app|business"',
                    'up{job=~"app|mcp-server"}',
                ),
                health(
                    "Workflows", "workflow", 'component=~"workflow|cost"', "vital_workflow_requests_total"
                ),
                health("Security", "security", 'component="security"', "security_events_total"),
                health("Hyperdimensional", "hdc", 'component="hdc"', "hdc_operation_total"),
                health("Hosts", "host", 'component="host"', "node_load5"),
                health(
                    "Containers",
                    "containers",
                    'component="container"',
                    'container_start_time_seconds{name!=""}',
                ),
                health(
                    "Service levels",
                    "service-levels",
                    'alertname=~"ErrorBudget.+"',
                    "service_level:events:rate5m",
                ),
                health("Tracing", "tracing", 'component="jaeger"', 'up{job="jaeger"}'),
                health("Logs", "log-pipeline", 'component="logs"', "logs_source_up"),
                health(
                    "Monitoring",
                    "monitoring",
                    'component="monitoring"',
                    'up{job="prometheus"} or 2 * absent(ALERTS{alertname="Watchdog"})',
                ),
                width=24,
                height=7,
                states=HEALTH,
            ),
        ),
        row(
            "Now",
            stat(
                "Alerts",
                "Firing now, by severity. Critical ones page somebody: see Alerts, and the runbook of each.",
                COUNT,
                query('count(ALERTS{alertstate="firing", severity="critical"}) or vector(0)', "critical"),
                query('count(ALERTS{alertstate="firing", severity="warning"}) or vector(0)', "warning"),
                any_is_bad=True,
                links=(("Alerts", "/d/vw-alerts"),),
            ),
            stat(
                "Overall health",
                "Share of everything watched that answers Prometheus. Below 1 something is down, and what it measures is "
                "not known: System overview says which.",
                RATIO,
                query(f"avg(up{{{CHOSEN}}})", "answer now"),
                query(f"avg(avg_over_time(up{{{CHOSEN}}}[1d]))", "uptime, last day"),
                alerts=("TargetDown", "ServiceDown"),
            ),
            stat(
                "Error rate",
                "Share of the applications' answers with status 5xx, of the worst instance, in the last five minutes.",
                RATIO,
                query(f"max(error_rate_percentage{{{CHOSEN}}}) / 100", "HTTP 5xx"),
                limits=Limits(warning="http_error_ratio_warning", critical="http_error_ratio_critical"),
                links=(
                    ERROR_LOGS,
                    ("Performance overview", "/d/vw-performance"),
                ),
            ),
            stat(
                "Search latency p95",
                "95 of 100 searches are faster, as the slowest vector store measures them. Above the limit users wait.",
                SECONDS,
                query(f"max(instance:qdrant_search_duration_seconds:p95_5m{{{CHOSEN}}})", "slowest server"),
                limits=LATENCY,
                links=(("Vector search", "/d/vw-qdrant"),),
            ),
            stat(
                "Recall",
                "Share of the true nearest neighbours that searches find, of the worst collection. Fast and wrong is not "
                "well: see HNSW quality.",
                RATIO,
                query(f"min(hnsw:recall:ratio{{{CHOSEN}}})", "worst collection"),
                alerts=("RecallLow",),
                links=(("HNSW quality", "/d/vw-hnsw"),),
            ),
            stat(
                "Cache hit rate",
                "Share of lookups that find their key, of the worst cache. What it does not find falls on the vector store "
                "and the models.",
                RATIO,
                query(f"min(dragonfly_cache_hit_rate{{{CHOSEN}}})", "worst cache"),
                limits=HIT_RATE,
                links=(("Cache", "/d/vw-dragonfly"),),
            ),
            stat(
                "Vectors",
                "Stored, and of these in an index, over all servers; indexed ones of several named vectors count each. "
                "Far fewer indexed ones mean that searches scan.",
                COUNT,
                query(f"sum(collections_vector_total{{{CHOSEN}}})", "stored"),
                query(f"sum(qdrant_collection_indexed_vectors{{{CHOSEN}}})", "indexed"),
                width=6,
                alerts=("QdrantVectorsUnindexed",),
            ),
            stat(
                "Vector store memory",
                "Resident memory of the largest server. Beyond the limit the system may kill it.",
                BYTES,
                query(f"max(qdrant_memory_usage_bytes{{{CHOSEN}}})", "largest server"),
                limits=Limits(warning="qdrant_memory_bytes"),
            ),
            stat(
                "GPUs",
                "Cards that the drivers list. Fewer than before: one has fallen off the bus.",
                COUNT,
                query(f"sum(gpu_devices{{{CHOSEN}}})", "cards"),
                alerts=("GpuLost",),
            ),
            stat(
                "VRAM usage",
                "Memory in use of the fullest card. Nearly full: the next model or larger batch fails.",
                RATIO,
                query(f"max(gpu_vram_utilization_ratio{{{CHOSEN}}})", "fullest card"),
                limits=VRAM,
                links=(("GPU", "/d/vw-gpu"),),
            ),
            stat(
                "GPU temperature",
                "The hottest card. Cards that tell their own limits are judged by these, see GPU.",
                CELSIUS,
                query(f"max(gpu_temperature_celsius{{{CHOSEN}}})", "hottest card"),
                limits=Limits(warning="gpu_temperature_celsius"),
                width=6,
            ),
        ),
        row(
            "What is wrong",
            table(
                "Firing alerts",
                "The Watchdog always fires: where it is missing, alerting itself is broken. Click on an alert for its "
                "runbook.",
                query(
                    """max by (severity, alertname, component, job, instance) (ALERTS{alertstate="firing"})"""
                ),
                columns=(
                    Column("severity", "Severity"),
                    Column("alertname", "Alert", link=f"{RUNBOOKS}${{__value.raw}}.md"),
                    Column("component", "Component"),
                    Column("job", "Job"),
                    Column("instance", "Instance"),
                ),
                width=12,
                height=9,
                links=(("Alerts", "/d/vw-alerts"),),
            ),
            states(
                "System overview",
                "Whether the targets of each job answer. A gap is a time in which Prometheus did not run.",
                query(f"min by (job) (up{{{CHOSEN}}}) + max by (job) (up{{{CHOSEN}}})", "{{job}}"),
                meanings={0: State("down", "red"), 1: State("some down", "orange"), 2: State("up", "green")},
                height=9,
                alerts=("TargetDown", "TargetFlapping"),
            ),
        ),
        row(
            "Trends",
            timeseries(
                "Search latency",
                "Seven days: 95 of 100 searches are faster, of the slowest servers. A slow rise with the number of vectors "
                "asks for capacity, a step for what changed then.",
                SECONDS,
                query(
                    f"topk(10, instance:qdrant_search_duration_seconds:p95_5m{{{CHOSEN}}})", "{{instance}}"
                ),
                limits=LATENCY,
                span=WEEK,
            ),
            timeseries(
                "Search throughput",
                "Searches a second, by server. A fall while users are there means that they do not get through.",
                REQUESTS_PER_SECOND,
                query(f"topk(10, instance:search_requests:rate5m{{{CHOSEN}}})", "{{instance}}"),
                alerts=("SearchTrafficDropped",),
            ),
            timeseries(
                "Memory usage",
                "Seven days: of all vector stores and of all caches. See Capacity for when it will be used up.",
                BYTES,
                query(f"sum(qdrant_memory_usage_bytes{{{CHOSEN}}})", "vector stores"),
                query(f"sum(dragonfly_memory_usage_bytes{{{CHOSEN}}})", "caches"),
                span=WEEK,
                links=(("Capacity", "/d/vw-capacity"),),
            ),
            timeseries(
                "Stored vectors",
                "Seven days, by server. A sudden fall: a collection was deleted or emptied.",
                COUNT,
                query(f"topk(10, collections_vector_total{{{CHOSEN}}})", "{{instance}}"),
                span=WEEK,
                alerts=("QdrantPointsDropped", "CollectionGrowingFast"),
            ),
            timeseries(
                "Cache hits",
                "Share of lookups that find their key, of the worst caches. It falls after a restart, and while keys are "
                "evicted.",
                RATIO,
                query(f"bottomk(10, dragonfly_cache_hit_rate{{{CHOSEN}}})", "{{instance}}"),
                maximum=1,
                limits=HIT_RATE,
            ),
            timeseries(
                "GPU load",
                "Share of time in which the cards compute, of the busiest ones. Idle cards while requests queue: the "
                "bottleneck is before them.",
                RATIO,
                query(f"topk(10, gpu_utilization_ratio{{{CHOSEN}}})", "{{instance}} {{uuid}}"),
                maximum=1,
                links=(("GPU", "/d/vw-gpu"),),
            ),
        ),
        row(
            "Machines and applications",
            timeseries(
                "System health",
                "How much of processors, memory, disks and cards' memory is in use, of the fullest of each. Near 100 % the "
                "next load has nowhere to go.",
                RATIO,
                query(f"max(node_cpu_usage_percent{{{CHOSEN}}}) / 100", "CPU"),
                query(f"max(node_memory_usage_percent{{{CHOSEN}}}) / 100", "memory"),
                query(f"1 - min(mountpoint:node_filesystem_avail:ratio{{{CHOSEN}}})", "disk"),
                query(f"max(nvidia_gpu_memory_usage_percent{{{CHOSEN}}}) / 100", "VRAM"),
                maximum=1,
                links=(("Host", "/d/vw-host"), ("Containers", "/d/vw-containers")),
                alerts=("HostCpuHigh", "HostMemoryLow", "HostDiskSpaceLow"),
            ),
            timeseries(
                "API performance",
                "Half of the applications' answers are faster, and 95 of 100 of the slowest endpoint, which HighLatency "
                "watches. See Performance overview for which it is.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.5, sum by (le)
                    (rate(http_request_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))""",
                    "p50",
                    exemplars=True,
                ),
                query(f"max(http_request_duration_seconds_p95{{{CHOSEN}}})", "p95, slowest endpoint"),
                limits=Limits(warning="http_latency_p95_seconds"),
                links=(("Performance overview", "/d/vw-performance"),),
            ),
            timeseries(
                "API requests",
                "That the applications answer, all endpoints and statuses. Size of the requests: Performance overview.",
                REQUESTS_PER_SECOND,
                query(f"sum by (job) (throughput_requests_per_second{{{CHOSEN}}})", "{{job}}"),
                alerts=("TrafficDropped",),
            ),
            timeseries(
                "Database performance",
                "95 of 100 queries of the slowest pool of each application are faster. See Query performance for which kind.",
                SECONDS,
                query(
                    f"""max by (job) (histogram_quantile(0.95, sum by (le, job, instance, pool)
                    (rate(db_query_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))))""",
                    "{{job}}",
                    exemplars=True,
                ),
                width=12,
                limits=Limits(warning="database_query_p95_seconds"),
                links=(("Query performance", "/d/vw-query-performance"), ("Database pool", "/d/vw-database")),
            ),
            timeseries(
                "Database connections",
                "In use by the applications, and how many their pools may open. Where both meet, requests wait.",
                COUNT,
                query(f"sum by (job) (db_connection_pool_checked_out{{{CHOSEN}}})", "{{job}} in use"),
                query(
                    f"""sum by (job) (db_connection_pool_size{{{CHOSEN}}})
                    + sum by (job) (db_connection_pool_max_overflow{{{CHOSEN}}})""",
                    "{{job}} at most",
                ),
                width=12,
                alerts=("DatabaseConnectionPoolExhausted",),
            ),
        ),
    ),
)

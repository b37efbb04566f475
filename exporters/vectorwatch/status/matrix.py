"""The components: those of what is watched, then those that watch."""

from __future__ import annotations

from collections.abc import Iterable

from .component import Component, Measure

_SEARCHES = 'sum by (le) (rate(qdrant_search_duration_seconds_bucket{job="qdrant"}[5m]))'
_GETS = 'command=~"(?i)get"'
_INFERENCES = "sum by (le) (rate(model_inference_duration_seconds_bucket[5m]))"
_MEBIBYTE = "2 ^ 20"
# Of all vectors: a small collection has no index by design.
_UNINDEXED = (
    "(sum(qdrant_collection_unindexed_ratio * qdrant_collection_approximate_points)"
    " / sum(qdrant_collection_approximate_points and qdrant_collection_unindexed_ratio) >= 0)"
)


def _quantile(share: float, buckets: str) -> str:
    """Return PromQL for a quantile in milliseconds; nothing where nothing happened."""
    return f"1000 * histogram_quantile({share}, {buckets}) >= 0"


_WATCHED = (
    Component(
        name="vector_store",
        title="Vector store",
        dashboard="vw-qdrant",
        watched='up{job="qdrant"} or qdrant_up',
        labels=frozenset({"qdrant"}),
        jobs="qdrant",
        measures=(
            Measure("search_latency_p50_ms", _quantile(0.5, _SEARCHES)),
            Measure("search_latency_p95_ms", _quantile(0.95, _SEARCHES)),
            Measure("search_latency_p99_ms", _quantile(0.99, _SEARCHES)),
            Measure("search_latency_p999_ms", _quantile(0.999, _SEARCHES)),
            Measure("memory_usage_mb", f"sum(qdrant_memory_usage_bytes) / {_MEBIBYTE}"),
            Measure("total_vectors", "sum(collections_vector_total)"),
            Measure("total_collections", "sum(qdrant_collections)"),
            Measure("search_throughput_qps", "sum(instance:search_requests:rate5m)"),
            Measure("index_health_score", f"1 - {_UNINDEXED}"),
        ),
    ),
    Component(
        name="search_quality",
        title="Search quality",
        dashboard="vw-hnsw",
        watched="hnsw_up",
        labels=frozenset({"hnsw"}),
        measures=(
            Measure("recall", "min(hnsw:recall:ratio)"),
            Measure("search_latency_p95_ms", "1000 * max(hnsw:search_duration_seconds:p95_15m)"),
            Measure("search_latency_p99_ms", "1000 * max(hnsw:search_duration_seconds:p99_15m)"),
        ),
    ),
    Component(
        name="cache_system",
        title="Cache",
        dashboard="vw-dragonfly",
        watched='up{job="dragonfly"} or dragonfly_up',
        labels=frozenset({"cache"}),
        jobs="dragonfly",
        measures=(
            Measure("hit_rate", "min(dragonfly_cache_hit_rate)"),
            Measure("miss_rate", "1 - min(dragonfly_cache_hit_rate)"),
            Measure("total_requests", "sum(dragonfly_cache_hits_total) + sum(dragonfly_cache_misses_total)"),
            Measure("cache_hits", "sum(dragonfly_cache_hits_total)"),
            Measure("cache_misses", "sum(dragonfly_cache_misses_total)"),
            Measure("memory_usage_mb", f"sum(dragonfly_memory_usage_bytes) / {_MEBIBYTE}"),
            Measure("eviction_count", "sum(dragonfly_cache_evictions_total)"),
            Measure(
                "avg_lookup_time_ms",
                f"1000 * sum(rate(dragonfly_command_duration_seconds_total{{{_GETS}}}[5m]))"
                f" / sum(rate(dragonfly_command_calls_total{{{_GETS}}}[5m])) >= 0",
            ),
            Measure("connected_clients", "sum(dragonfly_clients_connected)"),
        ),
        other_names=("cache", "embedding_cache"),
    ),
    Component(
        name="gpu_manager",
        title="GPU",
        dashboard="vw-gpu",
        watched="gpu_devices > 0 or max_over_time(gpu_devices[1d]) > 0",
        labels=frozenset({"gpu"}),
        jobs="gpu-exporter",
        measures=(
            Measure("gpu_available", "sum(gpu_devices) > bool 0", is_truth=True),
            Measure("vram_total_mb", f"sum(gpu_memory_total_bytes) / {_MEBIBYTE}"),
            Measure("vram_used_mb", f"sum(gpu_memory_used_bytes) / {_MEBIBYTE}"),
            Measure("vram_utilization", "max(gpu_vram_utilization_ratio)"),
            Measure("gpu_temperature_celsius", "max(gpu_temperature_celsius)"),
            Measure("gpu_utilization", "max(gpu_utilization_ratio)"),
        ),
        other_names=("gpu",),
    ),
    Component(
        name="ai_models",
        title="AI models",
        dashboard="vw-models",
        watched="model_inference_duration_seconds_count",
        labels=frozenset({"model"}),
        measures=(
            Measure("inference_latency_ms", _quantile(0.5, _INFERENCES)),
            Measure("inference_latency_p95_ms", _quantile(0.95, _INFERENCES)),
            Measure("inferences_per_sec", "sum(rate(model_inference_duration_seconds_count[5m]))"),
            Measure(
                "fallback_rate",
                "(sum(rate(model_fallback_total[5m])) or vector(0))"
                " / sum(rate(model_inference_duration_seconds_count[5m])) >= 0",
            ),
            Measure("memory_usage_mb", f"sum(model_memory_usage_bytes) / {_MEBIBYTE}"),
        ),
    ),
    Component(
        name="database",
        title="Database",
        dashboard="vw-database",
        watched="db_connection_pool_size",
        labels=frozenset({"database"}),
        measures=(
            Measure(
                "query_latency_p95_ms",
                _quantile(0.95, "sum by (le) (rate(db_query_duration_seconds_bucket[5m]))"),
            ),
            Measure("queries_per_sec", "sum(rate(db_query_duration_seconds_count[5m]))"),
            Measure("connections_in_use", "sum(db_connection_pool_checked_out)"),
        ),
    ),
    Component(
        name="network",
        title="Network",
        dashboard="vw-blackbox",
        watched="probe_success",
        labels=frozenset({"endpoint"}),
        alerts="HostNetworkErrors",
        measures=(
            Measure("endpoints", "count(probe_success)"),
            Measure("endpoints_reachable", "sum(probe_success)"),
            Measure("slowest_ms", "1000 * max(probe_duration_seconds)"),
        ),
    ),
    Component(
        name="indexes",
        title="Indexes",
        dashboard="vw-qdrant",
        watched="qdrant_collection_indexed_vectors",
        alerts="Qdrant(Collection.+|VectorsUnindexed|OptimizerFailed|PayloadIndexMissing|PointsHidden)"
        "|PayloadIndexing.+",
        measures=(
            Measure("indexed_vectors", "sum(qdrant_collection_indexed_vectors)"),
            Measure("unindexed_ratio", _UNINDEXED),
            Measure("index_count", "sum(qdrant_collection_payload_indexes)"),
        ),
    ),
    Component(
        name="aliases",
        title="Aliases",
        dashboard="vw-rag",
        watched="qdrant_aliases",
        alerts="QdrantAlias.+|CollectionAlias.+",
        measures=(Measure("total_aliases", "sum(qdrant_aliases)"),),
    ),
    Component(
        name="hyde",
        title="HyDE",
        dashboard="vw-rag",
        watched="hyde_cache_requests_total",
        alerts="HyDE.+",
        measures=(
            Measure(
                "cache_hit_rate",
                "1 - sum(rate(hyde_cache_misses_total[5m])) / sum(rate(hyde_cache_requests_total[5m])) >= 0",
            ),
            Measure(
                "avg_generation_time_ms",
                "1000 * sum(rate(hyde_generation_duration_seconds_sum[5m]))"
                " / sum(rate(hyde_generation_duration_seconds_count[5m])) >= 0",
            ),
        ),
    ),
    Component(
        name="query_api",
        title="Query API",
        dashboard="vw-rag",
        watched="query_api_requests_total",
        labels=frozenset({"rag"}),
        measures=(
            Measure(
                "latency_p95_ms",
                _quantile(0.95, "sum by (le) (rate(query_api_duration_seconds_bucket[5m]))"),
            ),
            Measure("requests_per_sec", "sum(rate(query_api_requests_total[5m]))"),
        ),
    ),
    Component(
        name="applications",
        title="Applications",
        dashboard="vw-performance",
        watched='up{job=~"app|mcp-server"}',
        labels=frozenset({"app", "business", "hdc"}),
        jobs="app|mcp-server",
        measures=(
            Measure("requests_per_sec", "sum(throughput_requests_per_second)"),
            Measure("error_rate", "max(error_rate_percentage) / 100"),
            Measure("latency_p95_ms", "1000 * max(http_request_duration_seconds_p95)"),
        ),
    ),
    Component(
        name="workflows",
        title="Workflows",
        dashboard="vw-workflow",
        watched="vital_workflow_requests_total",
        labels=frozenset({"workflow", "cost"}),
        measures=(Measure("requests_per_sec", "sum(rate(vital_workflow_requests_total[5m]))"),),
    ),
    Component(
        name="security",
        title="Security",
        dashboard="vw-security",
        watched="security_events_total",
        labels=frozenset({"security"}),
    ),
    Component(
        name="hosts",
        title="Hosts",
        dashboard="vw-host",
        watched='up{job="node-exporter"}',
        labels=frozenset({"host"}),
        measures=(
            Measure("cpu_usage", "max(node_cpu_usage_percent) / 100"),
            Measure("memory_usage", "max(node_memory_usage_percent) / 100"),
            Measure("disk_usage", "1 - min(mountpoint:node_filesystem_avail:ratio)"),
        ),
    ),
    Component(
        name="containers",
        title="Containers",
        dashboard="vw-containers",
        watched='up{job="cadvisor"}',
        labels=frozenset({"container"}),
        measures=(Measure("running", 'count(container_start_time_seconds{name!=""})'),),
    ),
)

_WATCHING = (
    Component(
        name="prometheus",
        title="Prometheus",
        dashboard="vw-monitoring",
        watched='up{job="prometheus"}',
        alerts="Prometheus.+|ServiceLevelBlind",
        jobs="prometheus",
        measures=(
            Measure("series", 'sum(prometheus_tsdb_head_series{job="prometheus"})'),
            Measure("targets", "count(up)"),
            Measure("targets_up", "sum(up)"),
        ),
    ),
    Component(
        name="alertmanager",
        title="Alertmanager",
        dashboard="vw-alerts",
        watched='up{job="alertmanager"}',
        alerts="Alertmanager.+",
        jobs="alertmanager",
    ),
    Component(
        name="inbox",
        title="Alert inbox",
        dashboard="vw-alerts",
        watched='up{job="inbox"}',
        alerts="Inbox.+",
        jobs="inbox",
    ),
    Component(
        name="grafana",
        title="Grafana",
        dashboard="vw-monitoring",
        watched='up{job="grafana"}',
        alerts="Grafana.+",
        jobs="grafana",
    ),
    Component(
        name="jaeger",
        title="Jaeger",
        dashboard="vw-tracing",
        watched='up{job="jaeger"}',
        labels=frozenset({"jaeger"}),
        jobs="jaeger",
    ),
    Component(
        name="benchmarks",
        title="Benchmarks",
        dashboard="vw-benchmarks",
        watched='up{job="benchmark"}',
        labels=frozenset({"benchmark"}),
        jobs="benchmark",
        measures=(
            Measure("benchmarks", "count(benchmark_duration_seconds)"),
            Measure("slowest_change", "max(benchmark_duration_seconds / benchmark_baseline_seconds) - 1"),
        ),
    ),
    Component(
        name="backups",
        title="Backups",
        dashboard="vw-monitoring",
        watched="vectorwatch_backup_last_success_timestamp_seconds"
        " or vectorwatch_backup_last_failure_timestamp_seconds",
        alerts="Backup.+",
        measures=(
            Measure("age_seconds", "min(time() - vectorwatch_backup_last_success_timestamp_seconds)"),
            Measure("size_mb", f"max(vectorwatch_backup_size_bytes) / {_MEBIBYTE}"),
        ),
    ),
    Component(
        name="exporters",
        title="Exporters",
        dashboard="vw-monitoring",
        watched='up{job=~".+-exporter|hnsw-probe|cadvisor"}',
        alerts="Target.+|Textfile.+|Process.+|Scrape.+|Exporter.+|LabelValues.+|Probe.+|OpenFilesHigh|Blackbox.+"
        "|ContainersUnseen",
        jobs=".+-exporter|hnsw-probe|cadvisor",
    ),
    Component(
        name="logs",
        title="Logs",
        dashboard="vw-log-pipeline",
        watched="logs_source_up",
        labels=frozenset({"logs"}),
        measures=(
            Measure("sources", "count(logs_source_up)"),
            Measure("sources_up", "sum(logs_source_up)"),
            Measure("events_per_sec", "sum(rate(log_events_total[5m]))"),
        ),
    ),
)

COMPONENTS = _WATCHED + _WATCHING


def find(name: str, components: Iterable[Component] = COMPONENTS) -> Component | None:
    """Return the component of a name, also of one of its other names, or None."""
    return next((one for one in components if name == one.name or name in one.other_names), None)

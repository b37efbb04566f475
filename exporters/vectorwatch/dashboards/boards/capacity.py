"""What will be full, and when; and what grows."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, row
from ..panel import (
    BYTES,
    COUNT,
    NONE,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    Column,
    Limits,
    bars,
    query,
    stat,
    table,
    timeseries,
)
from .host import DISKS

CHOSEN = TARGETS
YEAR = 365 * 86400


def time_to_full(left: str, lost: str) -> str:
    """Return seconds until `left` is used up where `lost` are lost each second, a year at most.

    As in prometheus/rules/capacity.yml, which asks for falling ones only: here what does not fall has a year.
    """
    return f"clamp(({left}) / clamp_min({lost}, 0.000001), 0, {YEAR})"


ROOM = f"node_filesystem_avail_bytes{{{CHOSEN}, {DISKS}}}"
MEMORY = f"node_memory_MemAvailable_bytes{{{CHOSEN}}}"
CACHE = f"dragonfly_memory_usage_bytes{{{CHOSEN}}}"
DISKS_FULL = time_to_full(ROOM, f"-deriv({ROOM}[1d])")
MEMORY_FULL = time_to_full(MEMORY, f"-deriv({MEMORY}[1d])")
CACHES_FULL = f"""(
    {time_to_full(f"dragonfly_memory_limit_bytes{{{CHOSEN}}} - {CACHE}", f"deriv({CACHE}[1d])")}
    unless on (job, instance) dragonfly_memory_policy_info{{{CHOSEN}, policy!="noeviction"}}
    or {YEAR} + 0 * {CACHE}
)"""

BOARD = Board(
    name="capacity",
    folder="Overview",
    title="Capacity",
    about="Days until disks, memory and caches are full as they went in the last day, and what grows.",
    components=("host", "cache", "qdrant"),
    variables=job_and_instance("up"),
    span="now-7d",
    refresh="5m",
    links=(
        ("Hosts", "/d/vw-host"),
        ("Vector search", "/d/vw-qdrant"),
        ("Cache", "/d/vw-dragonfly"),
        ("GPU", "/d/vw-gpu"),
    ),
    rows=(
        row(
            "When is it full?",
            bars(
                "Disks full in",
                "Time left until the disks that fill fastest are full; a year where they do not fill. An alert comes only where "
                "less than half is left and half a day of data is there.",
                SECONDS,
                query(f"bottomk(10, {DISKS_FULL})", "{{instance}} {{mountpoint}}"),
                limits=Limits(warning="disk_full_seconds", below=True),
            ),
            bars(
                "Memory full in",
                "Time left until machines have no memory left; a year where its use does not grow. Steady growth is a leak: see "
                "Containers for whose.",
                SECONDS,
                query(f"bottomk(10, {MEMORY_FULL})", "{{instance}}"),
                limits=Limits(warning="memory_full_seconds", below=True),
            ),
            bars(
                "Caches full in",
                "Time left until caches reach their limit; a year where they do not grow, or evict: those are meant to be "
                "full.",
                SECONDS,
                query(
                    f"bottomk(10, {CACHES_FULL})",
                    "{{instance}}",
                ),
                limits=Limits(warning="cache_full_seconds", below=True),
            ),
        ),
        row(
            "How full is it?",
            timeseries(
                "Disk in use",
                "Share of the fullest disks. Plan for what a rebuild needs, too: Qdrant writes new segments before it drops the "
                "old.",
                RATIO,
                query(
                    f"topk(10, 1 - mountpoint:node_filesystem_avail:ratio{{{CHOSEN}}})",
                    "{{instance}} {{mountpoint}}",
                ),
                maximum=1,
                alerts=("HostDiskSpaceLow", "HostDiskFillingUp"),
            ),
            timeseries(
                "Memory in use",
                "Share of the fullest machines, caches of the kernel not counted.",
                RATIO,
                query(f"topk(10, node_memory_usage_percent{{{CHOSEN}}} / 100)", "{{instance}}"),
                maximum=1,
                alerts=("HostMemoryLow",),
            ),
            timeseries(
                "Cache in use",
                "Share of its memory limit, the fullest ones. Beyond the limit the forecast counts, for those that do not evict: "
                "others are meant to be full.",
                RATIO,
                query(
                    f"""topk(10, dragonfly_memory_usage_bytes{{{CHOSEN}}}
                    / (dragonfly_memory_limit_bytes{{{CHOSEN}}} > 0))""",
                    "{{instance}}",
                ),
                maximum=1,
                limits=Limits(warning="cache_full_level_ratio"),
            ),
            timeseries(
                "CPU in use",
                "Peak of each hour of the busiest machines. Peaks that come closer to 1 each week ask for more.",
                RATIO,
                query(
                    f"topk(10, max_over_time(instance:node_cpu_usage:ratio_rate5m{{{CHOSEN}}}[1h]))",
                    "{{instance}}",
                ),
                maximum=1,
                limits=Limits(warning="host_cpu_usage_ratio"),
            ),
            timeseries(
                "VRAM in use",
                "Share of the fullest cards. Before another model is loaded: it needs its room on one of these.",
                RATIO,
                query(f"topk(10, gpu_vram_utilization_ratio{{{CHOSEN}}})", "{{instance}} {{uuid}}"),
                maximum=1,
                limits=Limits(warning="gpu_memory_ratio_warning", critical="gpu_memory_ratio_critical"),
            ),
            timeseries(
                "Vector store memory",
                "Peak of each hour of the largest servers. It grows with the vectors, or does not where they stay on disk.",
                BYTES,
                query(f"topk(10, max_over_time(qdrant_memory_usage_bytes{{{CHOSEN}}}[1h]))", "{{instance}}"),
                limits=Limits(warning="qdrant_memory_bytes"),
            ),
        ),
        row(
            "What grows",
            timeseries(
                "Points",
                "Of the largest collections. Memory and disk of the vector store grow with them.",
                COUNT,
                query(
                    f"topk(10, max by (instance, collection) (qdrant_collection_points{{{CHOSEN}}}))",
                    "{{collection}} {{instance}}",
                ),
            ),
            bars(
                "Points a day",
                "By which collections grew in the last day, the fastest first.",
                COUNT,
                query(
                    f"topk(10, max by (instance, collection) (86400 * deriv(qdrant_collection_points{{{CHOSEN}}}[1d])))",
                    "{{collection}} {{instance}}",
                ),
            ),
            stat(
                "Memory for 100,000 vectors",
                "As each server needs it now, with all that they need anyway. Quantization, or vectors on disk, lower it.",
                BYTES,
                query(
                    f"""100000 * qdrant_memory_usage_bytes{{{CHOSEN}}}
                    / (collections_vector_total{{{CHOSEN}}} > 0)""",
                    "{{instance}}",
                ),
                width=8,
                height=8,
            ),
            table(
                "Collections in a week",
                "Points now and in a week as it went in the last day. What doubles needs its memory and disk planned now; the alert is about large ones.",
                query(f"max by (instance, collection) (qdrant_collection_points{{{CHOSEN}}})"),
                query(
                    f"""max by (instance, collection)
                    (clamp_min(predict_linear(qdrant_collection_points{{{CHOSEN}}}[1d], 7 * 86400), 0))"""
                ),
                query(
                    f"""max by (instance, collection)
                    (clamp_min(predict_linear(qdrant_collection_points{{{CHOSEN}}}[1d], 7 * 86400), 0)
                    / (qdrant_collection_points{{{CHOSEN}}} > 0))"""
                ),
                columns=(
                    Column("instance", "Server"),
                    Column(
                        "collection",
                        "Collection",
                        link="/d/vw-qdrant?var-collection=${__value.raw:percentencode}",
                    ),
                    Column("Value #A", "Points", COUNT),
                    Column("Value #B", "In a week", COUNT),
                    Column(
                        "Value #C", "Times as many", NONE, limits=Limits(warning="collection_growth_ratio")
                    ),
                ),
                sort_by="Points",
            ),
        ),
        row(
            "Load",
            timeseries(
                "Searches",
                "Of all servers now, and at the same time of last week. Growth here reaches processors and memory later.",
                REQUESTS_PER_SECOND,
                query(f"sum(instance:search_requests:rate5m{{{CHOSEN}}})", "now"),
                query(f"sum(instance:search_requests:rate5m{{{CHOSEN}}} offset 1w)", "a week ago"),
                alerts=("SearchTrafficDropped",),
            ),
            timeseries(
                "Requests to applications",
                "Of all applications now, and at the same time of last week.",
                REQUESTS_PER_SECOND,
                query(f"sum(throughput_requests_per_second{{{CHOSEN}}})", "now"),
                query(f"sum(throughput_requests_per_second{{{CHOSEN}}} offset 1w)", "a week ago"),
                alerts=("TrafficDropped",),
            ),
            timeseries(
                "Series in Prometheus",
                "In memory now, about 4 KiB each. Doubling: a label with ever new values; Monitoring says whose.",
                COUNT,
                query(f"prometheus_tsdb_head_series{{{CHOSEN}}}", "{{instance}}"),
                limits=Limits(warning="prometheus_series"),
                links=(("Monitoring", "/d/vw-monitoring"),),
            ),
        ),
    ),
)

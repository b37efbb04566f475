"""The containers: which are not well, and which are short of what they may have."""

from __future__ import annotations

from collections.abc import Mapping

from ..board import TARGETS, Board, Variable, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    RATIO,
    TIMESTAMP,
    Column,
    Limits,
    State,
    query,
    stat,
    states,
    table,
    timeseries,
)

SERVER = TARGETS
CHOSEN = f'{SERVER}, name=~"$name"'
HEALTH: Mapping[float, State] = {
    -1: State("no check", "text"),
    0: State("unhealthy", "red"),
    1: State("healthy", "green"),
}
MEMORY = Limits(warning="container_memory_ratio")
THROTTLED = Limits(warning="container_throttled_ratio")
CPU = Limits(warning="container_cpu_ratio")
OF_MEMORY_LIMIT = f"container_memory_rss{{{CHOSEN}}} / (container_spec_memory_limit_bytes{{{CHOSEN}}} > 0)"
OF_PERIODS = (
    f"container:throttled_periods:ratio_rate5m{{{CHOSEN}}}"
    f" or on (job, instance, name) 0 * container_spec_cpu_period{{{CHOSEN}}}"
)
"""0 without a limit."""
OF_CPU_LIMIT = f"container:cpu_of_limit:ratio_rate5m{{{CHOSEN}}}"

BOARD = Board(
    name="containers",
    folder="Infrastructure",
    title="Containers",
    about="Health, memory, processors, disks and network of the containers, as cAdvisor sees them.",
    components=("container",),
    restarts=f"container_start_time_seconds{{{CHOSEN}}}",
    variables=(
        *job_and_instance("container_start_time_seconds", 'name!=""'),
        Variable(
            "name",
            "Container",
            'container_start_time_seconds{job=~"$job", instance=~"$instance", name!=""}',
        ),
    ),
    links=(("Hosts", "/d/vw-host"), ("GPU", "/d/vw-gpu"), logs_of(only="var-dataset=container")),
    rows=(
        row(
            "Are the containers well?",
            stat(
                "Running",
                "Containers that run now. 0 while cAdvisor answers: it cannot read Docker's socket.",
                COUNT,
                query(f"count(container_start_time_seconds{{{CHOSEN}}})", "containers"),
                width=3,
                alerts=("ContainersUnseen",),
            ),
            stat(
                "Unhealthy",
                "That fail their health check, or are still starting. Their log says why.",
                COUNT,
                query(f"sum(container_health_state{{{CHOSEN}}} == bool 0)", "containers"),
                width=3,
                any_is_bad=True,
                alerts=("ContainerUnhealthy",),
            ),
            stat(
                "Restarts",
                "In the chosen time. More than a deployment explains: a program ends again and again.",
                COUNT,
                query(f"sum(changes(container_start_time_seconds{{{CHOSEN}}}[$__range]))", "restarts"),
                width=3,
                alerts=("ContainerRestarting",),
            ),
            stat(
                "Killed for lack of memory",
                "In the chosen time, within containers. Raise the limit of memory, or find what grows.",
                COUNT,
                query(f"sum(increase(container_oom_events_total{{{CHOSEN}}}[$__range]))", "killed"),
                width=3,
                any_is_bad=True,
                alerts=("ContainerOomKilled",),
            ),
            stat(
                "Memory of its limit",
                "Of the container that is closest to it, without what the kernel can take back. At 1 a program in it is "
                "killed.",
                RATIO,
                query(f"max({OF_MEMORY_LIMIT})", "fullest"),
                limits=MEMORY,
            ),
            stat(
                "CPU of its limit",
                "Of the container that is closest to it; of the whole machine for those without a limit.",
                RATIO,
                query(f"max({OF_CPU_LIMIT})", "busiest"),
                limits=CPU,
            ),
            stat(
                "Held back",
                "Share of the periods in which the worst container had to wait because of its processor limit. It answers "
                "slowly then, however idle the machine is.",
                RATIO,
                query(f"max({OF_PERIODS})", "worst"),
                limits=THROTTLED,
            ),
        ),
        row(
            "Memory",
            timeseries(
                "Memory of the limit",
                "Of the containers that are closest to it, without what the kernel can take back.",
                RATIO,
                query(f"topk(10, {OF_MEMORY_LIMIT})", "{{name}}"),
                limits=MEMORY,
            ),
            timeseries(
                "Memory",
                "That programs themselves hold, the largest ones. A line that only rises is a leak.",
                BYTES,
                query(f"topk(10, container_memory_rss{{{CHOSEN}}})", "{{name}}"),
            ),
            timeseries(
                "Files kept in memory",
                "The kernel gives this back when it is needed. A vector store or a database is fast only while its files fit.",
                BYTES,
                query(f"topk(10, container_memory_cache{{{CHOSEN}}})", "{{name}}"),
            ),
        ),
        row(
            "Processors",
            timeseries(
                "CPU of the limit",
                "Of the containers that are closest to it; of the whole machine for those without a limit.",
                RATIO,
                query(f"topk(10, {OF_CPU_LIMIT})", "{{name}}"),
                limits=CPU,
            ),
            timeseries(
                "Processors in use",
                "By the busiest containers; 1 is a whole processor.",
                COUNT,
                query(
                    f"""topk(10, sum by (instance, name)
                    (rate(container_cpu_usage_seconds_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{name}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Held back by the limit",
                "Share of periods in which a container had used up its time. Above the limit raise `cpus`, or let it do less "
                "at once.",
                RATIO,
                query(f"topk(10, {OF_PERIODS})", "{{name}}"),
                limits=THROTTLED,
            ),
        ),
        row(
            "Waiting",
            timeseries(
                "Waiting for a processor",
                "Share of time in which some task of the container waited (pressure stall information of Linux).",
                RATIO,
                query(
                    f"topk(10, rate(container_pressure_cpu_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{name}}",
                ),
            ),
            timeseries(
                "Waiting for memory",
                "Share of time. Any for long: the limit of memory is too low, and files are read again and again.",
                RATIO,
                query(
                    f"topk(10, rate(container_pressure_memory_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{name}}",
                ),
            ),
            timeseries(
                "Waiting for a disk",
                "Share of time. See Hosts for which disk.",
                RATIO,
                query(
                    f"topk(10, rate(container_pressure_io_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{name}}",
                ),
            ),
        ),
        row(
            "Disks and network",
            timeseries(
                "Read from disk",
                "By the containers that read most. Much by a vector store: its vectors do not fit into memory.",
                BYTES_PER_SECOND,
                query(
                    f"""topk(10, sum by (instance, name)
                    (rate(container_fs_reads_bytes_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{name}}",
                ),
            ),
            timeseries(
                "Written to disk",
                "By the containers that write most. Without a reason that you know: a log, or memory written to disk.",
                BYTES_PER_SECOND,
                query(
                    f"""topk(10, sum by (instance, name)
                    (rate(container_fs_writes_bytes_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{name}}",
                ),
            ),
            timeseries(
                "Room that containers use",
                "Of the container itself, without its volumes. Growing: it writes into itself, often a log.",
                BYTES,
                query(
                    f"topk(10, sum by (instance, name) (container_fs_usage_bytes{{{CHOSEN}}}))", "{{name}}"
                ),
            ),
            timeseries(
                "Received",
                "From the network, by the containers that get most.",
                BYTES_PER_SECOND,
                query(
                    f"""topk(10, sum by (instance, name)
                    (rate(container_network_receive_bytes_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{name}}",
                ),
                width=12,
            ),
            timeseries(
                "Sent",
                "To the network, by the containers that send most.",
                BYTES_PER_SECOND,
                query(
                    f"""topk(10, sum by (instance, name)
                    (rate(container_network_transmit_bytes_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{name}}",
                ),
                width=12,
            ),
        ),
        row(
            "Each container",
            states(
                "Health",
                "What the health check of each says. A lane that ends: the container is gone.",
                query(f"max by (name) (container_health_state{{{CHOSEN}}})", "{{name}}"),
                meanings=HEALTH,
                height=12,
                alerts=("ContainerVanished",),
            ),
            table(
                "Containers",
                "Those that started last come first: what failed just now is often there. Click on one to see it alone.",
                query(f"max by (instance, name, image) (1000 * container_start_time_seconds{{{CHOSEN}}})"),
                query(f"max by (instance, name, image) (container_spec_memory_limit_bytes{{{CHOSEN}}})"),
                columns=(
                    Column(
                        "name", "Container", link="/d/vw-containers?var-name=${__value.raw:percentencode}"
                    ),
                    Column("image", "Image"),
                    Column("instance", "cAdvisor"),
                    Column("Value #A", "Started", TIMESTAMP),
                    Column("Value #B", "Memory limit", BYTES),
                ),
                width=12,
                height=12,
                sort_by="Started",
            ),
        ),
    ),
)

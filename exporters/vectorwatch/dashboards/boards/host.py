"""The machines: what runs out of processors, memory, disks and network."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    EVENTS_PER_SECOND,
    RATIO,
    SECONDS,
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

CHOSEN = TARGETS
DISKS = 'fstype!~"tmpfs|ramfs|squashfs|iso9660|erofs|overlay|nsfs|fuse.*"'
"""As in the rules of the disks: what is on a disk and can be written."""
CARDS = '!~"lo|veth.*|br-.*|docker.*|cni.*|flannel.*"'
"""Network interfaces that lead out of the machine; others would count the same bytes again."""
HOST = f'{CHOSEN}, id="/", interface{CARDS}'
"""The machine on which cAdvisor runs."""
CPU = Limits(warning="host_cpu_usage_ratio")
MEMORY = Limits(
    warning="host_memory_available_ratio", critical="host_memory_available_critical_ratio", below=True
)
ROOM = Limits(warning="host_disk_available_ratio", critical="host_disk_available_critical_ratio", below=True)
INODES = Limits(warning="host_inodes_free_ratio", critical="host_inodes_free_critical_ratio", below=True)
LOAD = Limits(warning="host_load_per_cpu")
PROCESSORS = f"""count without (cpu, mode)
(rate(node_cpu_seconds_total{{{CHOSEN}, mode="idle"}}[$__rate_interval]))"""

BOARD = Board(
    name="host",
    folder="Infrastructure",
    title="Hosts",
    about="Processors, memory, disks, network and clocks of the machines, as node_exporter sees them.",
    components=("host",),
    restarts=f"node_boot_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("node_load5"),
    links=(
        ("Containers", "/d/vw-containers"),
        ("GPU", "/d/vw-gpu"),
        ("Capacity", "/d/vw-capacity?${job:queryparam}&${instance:queryparam}"),
        logs_of("node-exporter"),
    ),
    rows=(
        row(
            "Are the machines well?",
            stat(
                "CPU in use",
                "Of the busiest machine, waiting for a disk included. Above the limit everything on it gets slower.",
                RATIO,
                query(f"max(instance:node_cpu_usage:ratio_rate5m{{{CHOSEN}}})", "busiest"),
                width=3,
                limits=CPU,
            ),
            stat(
                "Memory available",
                "What programs can still get on the fullest machine, caches given back. Below the limits the kernel soon "
                "kills one.",
                RATIO,
                query(
                    f"min(node_memory_MemAvailable_bytes{{{CHOSEN}}} / (node_memory_MemTotal_bytes{{{CHOSEN}}} > 0))",
                    "fullest",
                ),
                width=3,
                limits=MEMORY,
            ),
            stat(
                "Room on disk",
                "Of the fullest disk of all. Databases that cannot write lose data: make room before it is gone.",
                RATIO,
                query(f"min(mountpoint:node_filesystem_avail:ratio{{{CHOSEN}}})", "fullest"),
                width=3,
                limits=ROOM,
            ),
            stat(
                "Load per processor",
                "Tasks that run, or wait for a processor or a disk, for each processor. Above 1 some wait.",
                COUNT,
                query(f"max(node_load5{{{CHOSEN}}} / {PROCESSORS})", "most loaded"),
                width=3,
                limits=LOAD,
            ),
            stat(
                "Swap in use",
                "Of the machine that has most of it in use. What is there is slow; see below whether it moves.",
                RATIO,
                query(
                    f"""max(1 - node_memory_SwapFree_bytes{{{CHOSEN}}} / (node_memory_SwapTotal_bytes{{{CHOSEN}}} > 0))
                    or max(0 * node_memory_SwapTotal_bytes{{{CHOSEN}}})""",
                    "fullest",
                ),
                width=3,
                limits=Limits(warning="host_swap_usage_ratio"),
            ),
            stat(
                "Programs killed",
                "For lack of memory, in the chosen time, in containers or outside. The kernel's log says which.",
                COUNT,
                query(f"sum(increase(node_vmstat_oom_kill{{{CHOSEN}}}[$__range]))", "killed"),
                width=3,
                any_is_bad=True,
                alerts=("HostOomKill",),
            ),
            stat(
                "Clock off by",
                "Of the worst machine. Beyond the limit certificates, traces and rates are wrong.",
                SECONDS,
                query(f"max(abs(node_timex_offset_seconds{{{CHOSEN}}}))", "worst"),
                width=3,
                limits=Limits(warning="host_clock_offset_seconds"),
            ),
            stat(
                "Disks that became read-only",
                "That could be written within the last day. The kernel does that when a disk gives errors.",
                COUNT,
                query(
                    f"""sum(node_filesystem_readonly{{{CHOSEN}, {DISKS}}}
                    - min_over_time(node_filesystem_readonly{{{CHOSEN}, {DISKS}}}[1d]))""",
                    "disks",
                ),
                width=3,
                any_is_bad=True,
                alerts=("HostFilesystemReadOnly",),
            ),
        ),
        row(
            "Processors and memory",
            timeseries(
                "CPU usage",
                "Of each machine, the busiest ones. Near 1 for long: move work, or give it more processors.",
                RATIO,
                query(f"topk(10, instance:node_cpu_usage:ratio_rate5m{{{CHOSEN}}})", "{{instance}}"),
                maximum=1,
                limits=CPU,
            ),
            timeseries(
                "What processors do",
                "Mean of all machines. Much `iowait`: disks are the bottleneck; much `steal`: the host of a virtual machine "
                "is; much `system`: the kernel, often network or memory.",
                RATIO,
                query(
                    f"""avg by (mode) (rate(node_cpu_seconds_total{{{CHOSEN}, mode!="idle"}}[$__rate_interval]))""",
                    "{{mode}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Load per processor over time",
                "Above the limit tasks wait as long as they work.",
                COUNT,
                query(f"topk(10, node_load5{{{CHOSEN}}} / {PROCESSORS})", "{{instance}}"),
                limits=LOAD,
            ),
            timeseries(
                "Memory available over time",
                "Share that programs can still get. A line that only falls is a leak: see Containers for whose.",
                RATIO,
                query(
                    f"""bottomk(10, node_memory_MemAvailable_bytes{{{CHOSEN}}}
                    / (node_memory_MemTotal_bytes{{{CHOSEN}}} > 0))""",
                    "{{instance}}",
                ),
                maximum=1,
                limits=MEMORY,
                alerts=("MemoryFullInDays",),
            ),
            timeseries(
                "Memory used",
                "By the machines that use most, caches not counted.",
                BYTES,
                query(f"topk(10, node_memory_usage_bytes{{{CHOSEN}}})", "{{instance}}"),
            ),
            timeseries(
                "Pages swapped",
                "Read from and written to swap space. Any for long: memory is short now, whatever is available in a moment.",
                EVENTS_PER_SECOND,
                query(f"sum(rate(node_vmstat_pswpin{{{CHOSEN}}}[$__rate_interval]))", "read"),
                query(f"sum(rate(node_vmstat_pswpout{{{CHOSEN}}}[$__rate_interval]))", "written"),
                alerts=("HostSwapHigh",),
            ),
            timeseries(
                "Time lost waiting",
                "Share of time in which some task waited for a processor, memory or a disk, of the worst machine (pressure "
                "stall information of Linux). The highest line is the bottleneck.",
                RATIO,
                query(
                    f"max(rate(node_pressure_cpu_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "processor",
                ),
                query(
                    f"max(rate(node_pressure_memory_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "memory",
                ),
                query(
                    f"max(rate(node_pressure_io_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "disk",
                ),
                width=12,
            ),
            timeseries(
                "Tasks blocked",
                "That wait for a disk or a network drive. Many for long: one of these hangs.",
                COUNT,
                query(f"topk(10, node_procs_blocked{{{CHOSEN}}})", "{{instance}}"),
                width=12,
                alerts=("HostDiskBusy",),
            ),
        ),
        row(
            "Disks",
            timeseries(
                "Room left",
                "Share of each disk that programs can still have, the fullest ones. Steadily falling: see Capacity for when "
                "it is full.",
                RATIO,
                query(
                    f"bottomk(20, mountpoint:node_filesystem_avail:ratio{{{CHOSEN}}})",
                    "{{instance}} {{mountpoint}}",
                ),
                width=12,
                maximum=1,
                limits=ROOM,
                alerts=("HostDiskFillingUp", "DiskFullInDays"),
            ),
            timeseries(
                "Inodes left",
                "Share of files that can still be made. Gone: «no space left» with room on the disk; look for folders of many "
                "small files.",
                RATIO,
                query(
                    f"""bottomk(20, node_filesystem_files_free{{{CHOSEN}, {DISKS}}}
                    / (node_filesystem_files{{{CHOSEN}, {DISKS}}} > 0))""",
                    "{{instance}} {{mountpoint}}",
                ),
                width=12,
                maximum=1,
                limits=INODES,
            ),
            timeseries(
                "Read and written",
                "Of all disks. Much reading by a vector store: vectors do not fit into memory.",
                BYTES_PER_SECOND,
                query(f"sum(rate(node_disk_read_bytes_total{{{CHOSEN}}}[$__rate_interval]))", "read"),
                query(f"sum(rate(node_disk_written_bytes_total{{{CHOSEN}}}[$__rate_interval]))", "written"),
            ),
            timeseries(
                "Disks busy",
                "Share of time in which a disk worked. At 1 a single spinning disk is at its end; fast ones can do more at "
                "once, see the queue.",
                RATIO,
                query(
                    f"topk(10, rate(node_disk_io_time_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{instance}} {{device}}",
                ),
            ),
            timeseries(
                "Requests that wait",
                "For a disk, on average. Above the limit whatever reads or writes is slow.",
                COUNT,
                query(
                    f"topk(10, rate(node_disk_io_time_weighted_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{instance}} {{device}}",
                ),
                limits=Limits(warning="host_disk_queue_length"),
            ),
        ),
        row(
            "Network and kernel",
            timeseries(
                "Network",
                "Through the cards of the machines. In Compose only cAdvisor sees its machine's; where both look at one "
                "machine, their lines show the same bytes.",
                BYTES_PER_SECOND,
                query(
                    f"sum(rate(node_network_receive_bytes_total{{{CHOSEN}, device{CARDS}}}[$__rate_interval]))",
                    "received",
                ),
                query(
                    f"sum(rate(node_network_transmit_bytes_total{{{CHOSEN}, device{CARDS}}}[$__rate_interval]))",
                    "sent",
                ),
                query(
                    f"sum(rate(container_network_receive_bytes_total{{{HOST}}}[$__rate_interval]))",
                    "received (cAdvisor)",
                ),
                query(
                    f"sum(rate(container_network_transmit_bytes_total{{{HOST}}}[$__rate_interval]))",
                    "sent (cAdvisor)",
                ),
            ),
            timeseries(
                "Broken packets",
                "Share of packets with errors, by card. Any for long: a cable, a card or its driver.",
                RATIO,
                query(
                    f"""topk(10, (rate(node_network_receive_errs_total{{{CHOSEN}}}[$__rate_interval])
                      + rate(node_network_transmit_errs_total{{{CHOSEN}}}[$__rate_interval]))
                    / clamp_min(rate(node_network_receive_packets_total{{{CHOSEN}}}[$__rate_interval])
                      + rate(node_network_transmit_packets_total{{{CHOSEN}}}[$__rate_interval]), 0.001))""",
                    "{{instance}} {{device}}",
                ),
                query(
                    f"""topk(10, (rate(container_network_receive_errors_total{{{HOST}}}[$__rate_interval])
                      + rate(container_network_transmit_errors_total{{{HOST}}}[$__rate_interval]))
                    / clamp_min(rate(container_network_receive_packets_total{{{HOST}}}[$__rate_interval])
                      + rate(container_network_transmit_packets_total{{{HOST}}}[$__rate_interval]), 0.001))""",
                    "{{instance}} {{interface}}",
                ),
                limits=Limits(warning="host_network_errors_ratio"),
            ),
            timeseries(
                "Open files",
                "Of what the kernel allows in all. At 1 nothing can open a file or a connection.",
                RATIO,
                query(
                    f"topk(10, node_filefd_allocated{{{CHOSEN}}} / (node_filefd_maximum{{{CHOSEN}}} > 0))",
                    "{{instance}}",
                ),
                limits=Limits(warning="host_open_files_ratio"),
            ),
            states(
                "Clock is set",
                "Whether something keeps the clock right. Not: start chrony or systemd-timesyncd, or let it reach its servers.",
                query(f"node_timex_sync_status{{{CHOSEN}}}", "{{instance}}"),
                meanings={0: State("nobody sets it", "orange"), 1: State("set", "green")},
                width=8,
                height=8,
                alerts=("HostClockNotSynchronised", "HostClockSkewed"),
            ),
            table(
                "Machines",
                "How large they are and since when they run.",
                query(f"max by (instance) ({PROCESSORS})"),
                query(f"max by (instance) (node_memory_MemTotal_bytes{{{CHOSEN}}})"),
                query(f"1000 * max by (instance) (node_boot_time_seconds{{{CHOSEN}}})"),
                columns=(
                    Column(
                        "instance", "Machine", link="/d/vw-host?var-instance=${__value.raw:percentencode}"
                    ),
                    Column("Value #A", "Processors", COUNT),
                    Column("Value #B", "Memory", BYTES),
                    Column("Value #C", "Started", TIMESTAMP),
                ),
                width=16,
                sort_by="Memory",
            ),
        ),
    ),
)

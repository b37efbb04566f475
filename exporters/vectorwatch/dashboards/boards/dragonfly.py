"""The cache (DragonflyDB, Redis, Valkey): does it answer, what does it find, and how full is it?"""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    RATIO,
    SECONDS,
    TIMESTAMP,
    UP_DOWN,
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
HIT_RATE = Limits(warning="cache_hit_rate_warning", critical="cache_hit_rate_critical", below=True)
WAITING = 'command!~"b.+pop.*|blmove|brpoplpush|xread.*|wait.*|debug.*"'
"""Not the commands that wait on purpose, as in the rule of CacheCommandSlow."""

BOARD = Board(
    name="dragonfly",
    folder="Infrastructure",
    title="Cache (DragonflyDB)",
    about="DragonflyDB, Redis or Valkey: hit rate, answer times, memory, clients and copies, as its exporter reads them.",
    components=("cache",),
    variables=job_and_instance("dragonfly_up"),
    links=(
        ("Application cache", "/d/vw-cache"),
        ("Capacity", "/d/vw-capacity?${instance:queryparam}"),
        ("Service levels", "/d/vw-service-levels?var-slo=cache-availability&var-slo=cache-hit-rate"),
        logs_of("dragonfly", "dragonfly-exporter"),
    ),
    rows=(
        row(
            "Is the cache well?",
            stat(
                "Answers",
                "Whether the exporter read all of it at the last look. Down: what the cache would answer falls on the vector "
                "store and the models.",
                NONE,
                query(f"dragonfly_up{{{CHOSEN}}}", "{{instance}}"),
                states=UP_DOWN,
                alerts=("CacheDown", "TargetUnreadable"),
            ),
            stat(
                "Hit rate",
                "Share of lookups of the last five minutes that found their key. Below the limits look at evictions, at keys "
                "that expire too soon, and at what was deployed.",
                RATIO,
                query(f"dragonfly_cache_hit_rate{{{CHOSEN}}}", "{{instance}}"),
                limits=HIT_RATE,
            ),
            stat(
                "Memory used up",
                "What data and server use of the memory that they may; 0 for a cache that evicts, which is meant to be full. "
                "Others refuse writes at 100 %: raise the limit, or let it evict.",
                RATIO,
                query(
                    f"""dragonfly_memory_usage_bytes{{{CHOSEN}}} / (dragonfly_memory_limit_bytes{{{CHOSEN}}} > 0)
                    unless on (job, instance) dragonfly_memory_policy_info{{{CHOSEN}, policy!="noeviction"}}
                    or 0 * dragonfly_memory_usage_bytes{{{CHOSEN}}}""",
                    "{{instance}}",
                ),
                limits=Limits(warning="cache_memory_ratio_warning", critical="cache_memory_ratio_critical"),
            ),
            stat(
                "Commands refused",
                "For lack of memory, in the chosen time. Any is an error in an application: raise the limit, or let it evict.",
                COUNT,
                query(f"increase(dragonfly_oom_rejections_total{{{CHOSEN}}}[$__range])", "{{instance}}"),
                any_is_bad=True,
                alerts=("CacheWritesRefused",),
            ),
            stat(
                "Connections of their limit",
                "At 1 the next client is turned away. Look for applications that open connections and do not close them.",
                RATIO,
                query(
                    f"dragonfly_clients_connected{{{CHOSEN}}} / (dragonfly_clients_limit{{{CHOSEN}}} > 0)",
                    "{{instance}}",
                ),
                limits=Limits(warning="cache_clients_ratio_warning", critical="cache_clients_ratio_critical"),
            ),
            stat(
                "Answer to PING",
                "From the exporter, so with its network. Slow: a command blocks the server, or its machine is short of CPU.",
                SECONDS,
                query(f"min_over_time(dragonfly_ping_duration_seconds{{{CHOSEN}}}[5m])", "{{instance}}"),
                limits=Limits(warning="cache_ping_seconds"),
            ),
        ),
        row(
            "What applications feel",
            timeseries(
                "Hit rate over time",
                "No line where nobody looked anything up. It starts low after a restart and rises as the cache fills.",
                RATIO,
                query(f"bottomk(20, dragonfly_cache_hit_rate{{{CHOSEN}}})", "{{instance}}"),
                maximum=1,
                limits=HIT_RATE,
            ),
            timeseries(
                "Lookups",
                "Keys that were found and that were not. Only misses rising: what is asked for has changed, or was dropped.",
                OPERATIONS_PER_SECOND,
                query(f"sum(rate(dragonfly_cache_hits_total{{{CHOSEN}}}[$__rate_interval]))", "found"),
                query(f"sum(rate(dragonfly_cache_misses_total{{{CHOSEN}}}[$__rate_interval]))", "not found"),
                stacked=True,
                alerts=("CacheHitRateLow",),
            ),
            timeseries(
                "Commands",
                "Executed each second, by server. A sudden fall while applications run: they cannot reach it.",
                OPERATIONS_PER_SECOND,
                query(
                    f"topk(20, rate(dragonfly_executed_commands_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{instance}}",
                ),
            ),
            timeseries(
                "Commands by kind",
                "The ten most frequent. Many of a new kind: an application changed.",
                OPERATIONS_PER_SECOND,
                query(
                    f"""topk(10, sum by (command)
                    (rate(dragonfly_command_calls_total{{{CHOSEN}}}[$__rate_interval])))""",
                    "{{command}}",
                ),
                width=12,
            ),
            timeseries(
                "Slowest commands",
                "Mean time that the slowest server spends in a command, without those that wait on purpose. A slow one holds up all "
                "others: look for large keys and for commands that read everything.",
                SECONDS,
                query(
                    f"""topk(10, max by (command) (sum by (instance, command)
                    (rate(dragonfly_command_duration_seconds_total{{{CHOSEN}, {WAITING}}}[$__rate_interval]))
                    / (sum by (instance, command) (rate(dragonfly_command_calls_total{{{CHOSEN}, {WAITING}}}[$__rate_interval])) > 0)))""",
                    "{{command}}",
                ),
                width=12,
                limits=Limits(warning="cache_command_seconds"),
            ),
            timeseries(
                "Error answers",
                "To clients, by kind. `OOM` means refused for lack of memory, `NOAUTH` and `NOPERM` a wrong password or user.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (error) (rate(dragonfly_errors_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{error}}",
                ),
            ),
            timeseries(
                "Slow log",
                "At how many looks of ten minutes the newest slow command was a new one, of 40 at most. `SLOWLOG GET` on the "
                "server shows the commands.",
                COUNT,
                query(
                    f"""max by (instance) (changes(dragonfly_slowlog_newest_timestamp_seconds{{{CHOSEN}}}[10m])
                    or on (job, instance) 0 * dragonfly_slowlog_entries{{{CHOSEN}}})""",
                    "{{instance}}",
                ),
                limits=Limits(warning="cache_slowlog_changes"),
            ),
            timeseries(
                "Newest slow command",
                "How long it took, 0 while there was none. A long one holds up all others.",
                SECONDS,
                query(
                    f"""max by (instance) (dragonfly_slowlog_newest_duration_seconds{{{CHOSEN}}}
                    or on (job, instance) 0 * dragonfly_slowlog_entries{{{CHOSEN}}})""",
                    "{{instance}}",
                ),
            ),
        ),
        row(
            "Memory and keys",
            timeseries(
                "Memory",
                "Used by data and server, and the most that the system gave it. Far more given than used: memory is in pieces.",
                BYTES,
                query(f"topk(7, dragonfly_memory_usage_bytes{{{CHOSEN}}})", "{{instance}} used"),
                query(f"topk(7, dragonfly_memory_resident_bytes{{{CHOSEN}}})", "{{instance}} given"),
                query(f"topk(7, dragonfly_memory_limit_bytes{{{CHOSEN}}})", "{{instance}} limit"),
                width=12,
                limits=Limits(warning="dragonfly_memory_bytes"),
                alerts=("CacheMemoryNearLimit", "CacheFullInDays"),
            ),
            timeseries(
                "Evicted and expired keys",
                "Dropped for lack of memory, and at their expiry. A few evictions are a cache at work; many mean that it is "
                "too small for what is asked.",
                EVENTS_PER_SECOND,
                query(
                    f"topk(10, rate(dragonfly_cache_evictions_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{instance}} evicted",
                ),
                query(
                    f"sum(rate(dragonfly_cache_expirations_total{{{CHOSEN}}}[$__rate_interval]))", "expired"
                ),
                width=12,
                limits=Limits(warning="cache_evictions_per_second"),
            ),
            timeseries(
                "Keys",
                "By database, and of these such that expire. Those that never do fill a cache that does not evict.",
                COUNT,
                query(f"sum by (db) (dragonfly_database_keys{{{CHOSEN}}})", "{{db}}"),
                query(f"sum by (db) (dragonfly_database_expiring_keys{{{CHOSEN}}})", "{{db}} expiring"),
                width=12,
            ),
            table(
                "Servers",
                "What answers, and what it does at its memory limit: with `noeviction` it refuses writes then. Short times: it "
                "restarted.",
                query(
                    f"""max by (instance, product, version, mode, policy) (
                      dragonfly_server_info{{{CHOSEN}}}
                        * on (job, instance) group_left (policy) dragonfly_memory_policy_info{{{CHOSEN}}}
                      or on (job, instance) dragonfly_server_info{{{CHOSEN}}}
                    )"""
                ),
                query(f"max by (instance) (dragonfly_uptime_seconds{{{CHOSEN}}})"),
                columns=(
                    Column("instance", "Server"),
                    Column("product", "Product"),
                    Column("version", "Version"),
                    Column("mode", "Mode"),
                    Column("policy", "At the limit"),
                    Column("Value #B", "Runs for", SECONDS),
                ),
                width=12,
            ),
        ),
        row(
            "Clients",
            timeseries(
                "Clients that wait",
                "In blocking commands, for keys that do not come. Many for long: who should write these keys does not.",
                COUNT,
                query(f"topk(20, dragonfly_clients_blocked{{{CHOSEN}}})", "{{instance}}"),
                width=12,
                limits=Limits(warning="cache_clients_blocked"),
            ),
            timeseries(
                "New connections",
                "Accepted, and refused because of the limit (Dragonfly does not count these). Many accepted: an application "
                "connects anew for each request.",
                EVENTS_PER_SECOND,
                query(
                    f"sum(rate(dragonfly_clients_accepted_total{{{CHOSEN}}}[$__rate_interval]))", "accepted"
                ),
                query(
                    f"sum(rate(dragonfly_clients_rejected_total{{{CHOSEN}}}[$__rate_interval]))", "refused"
                ),
                width=12,
                alerts=("CacheClientsRejected",),
            ),
            timeseries(
                "Network",
                "To and from clients. Much more sent than before: larger values, or commands that read whole keys.",
                BYTES_PER_SECOND,
                query(
                    f"sum(rate(dragonfly_network_received_bytes_total{{{CHOSEN}}}[$__rate_interval]))",
                    "received",
                ),
                query(f"sum(rate(dragonfly_network_sent_bytes_total{{{CHOSEN}}}[$__rate_interval]))", "sent"),
                width=12,
            ),
            timeseries(
                "Processors in use",
                "Redis and Valkey use about one, whatever the machine has; at 1 they are at their end. Dragonfly uses all.",
                COUNT,
                query(
                    f"topk(20, sum by (instance) (rate(dragonfly_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval])))",
                    "{{instance}}",
                ),
                width=12,
            ),
        ),
        row(
            "Copies and snapshots",
            states(
                "Replication",
                "A replica that has lost its master serves old data. Masters stand here with what they are.",
                query(
                    f"max by (instance) (dragonfly_replication_link_up{{{CHOSEN}}}"
                    f' or on (job, instance) 2 * (dragonfly_role{{{CHOSEN}, role="master"}} == 1))',
                    "{{instance}}",
                ),
                meanings={
                    0: State("lost its master", "red"),
                    1: State("connected", "green"),
                    2: State("master", "blue"),
                },
                width=8,
                height=8,
                alerts=("CacheReplicationBroken",),
            ),
            timeseries(
                "Replicas",
                "Connected to each master. Fewer than before: one is gone, and with it a copy of the data.",
                COUNT,
                query(f"topk(20, dragonfly_replicas_connected{{{CHOSEN}}})", "{{instance}}"),
                alerts=("CacheReplicaLost",),
            ),
            timeseries(
                "Lag of replicas, Dragonfly",
                "Changes that the worst replica of a master has not confirmed; 0 without replicas. Growing: it cannot keep up, "
                "or its network cannot.",
                COUNT,
                query(
                    f"""topk(20, max by (instance) (dragonfly_replica_lag_records{{{CHOSEN}}})
                    or 0 * max by (instance) (dragonfly_role{{{CHOSEN}, role="master"}} == 1))""",
                    "{{instance}}",
                ),
                limits=Limits(warning="cache_replica_lag_records"),
            ),
            timeseries(
                "Lag of replicas, Redis and Valkey",
                "Bytes that the worst replica of a master has not confirmed; 0 without replicas. Growing: it cannot keep up, or "
                "its network cannot.",
                BYTES,
                query(
                    f"""topk(20, max by (instance) (dragonfly_replica_lag_bytes{{{CHOSEN}}})
                    or 0 * max by (instance) (dragonfly_replicas_connected{{{CHOSEN}}}))""",
                    "{{instance}}",
                ),
                limits=Limits(warning="cache_replica_lag_bytes"),
            ),
            stat(
                "Last snapshot",
                "When the newest was written; that of the server's start where none was. A restart loses what came since.",
                TIMESTAMP,
                query(
                    f"1000 * dragonfly_snapshot_last_success_timestamp_seconds{{{CHOSEN}}}", "{{instance}}"
                ),
                height=8,
                alerts=("CacheSnapshotOld",),
            ),
            stat(
                "Snapshot worked",
                "Whether the last one did. Failed: look at the room on its disk, and at the server's log.",
                NONE,
                query(f"dragonfly_snapshot_last_ok{{{CHOSEN}}}", "{{instance}}"),
                height=8,
                states={0: State("failed", "red"), 1: State("worked", "green")},
                alerts=("CacheSnapshotFailed",),
            ),
            timeseries(
                "Changes since the last snapshot",
                "What a crash would lose. Growing without an end: no snapshots are written.",
                COUNT,
                query(f"topk(20, dragonfly_snapshot_unsaved_changes{{{CHOSEN}}})", "{{instance}}"),
            ),
            collapsed=True,
        ),
        row(
            "Values on disk (Dragonfly with tiering)",
            timeseries(
                "Lookups by where the value was",
                "In memory, in memory that was about to be freed, or on disk. Many from disk: memory is too small for what "
                "is asked often.",
                OPERATIONS_PER_SECOND,
                query(
                    f"sum(rate(dragonfly_tiering_memory_hits_total{{{CHOSEN}}}[$__rate_interval]))", "memory"
                ),
                query(
                    f"sum(rate(dragonfly_tiering_cool_hits_total{{{CHOSEN}}}[$__rate_interval]))",
                    "about to be freed",
                ),
                query(f"sum(rate(dragonfly_tiering_disk_hits_total{{{CHOSEN}}}[$__rate_interval]))", "disk"),
                stacked=True,
            ),
            timeseries(
                "Room on disk",
                "In use, and set up so far. Where both meet and the disk is full, values stay in memory.",
                BYTES,
                query(f"topk(10, dragonfly_tiering_allocated_bytes{{{CHOSEN}}})", "{{instance}} in use"),
                query(f"topk(10, dragonfly_tiering_capacity_bytes{{{CHOSEN}}})", "{{instance}} set up"),
            ),
            timeseries(
                "Clients that wait for the disk",
                "Times that one had to. Many: the disk is too slow for what is stored on it.",
                EVENTS_PER_SECOND,
                query(
                    f"sum(rate(dragonfly_tiering_throttled_clients_total{{{CHOSEN}}}[$__rate_interval]))",
                    "clients",
                ),
            ),
            collapsed=True,
        ),
    ),
)

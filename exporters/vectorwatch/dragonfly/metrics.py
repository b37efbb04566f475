"""The metrics as tables. HELP names the field of INFO, Dragonfly's before Redis' where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectorwatch.serve.metric import Kind, Labels, Metric, Table

from .answer import Answer, SlowLog
from .info import Number, parse_number
from .snapshot import Command, MasterLink, Replica, Snapshot

Database = tuple[Labels, Mapping[str, str]]
Master = tuple[Labels, MasterLink]
Follower = tuple[Labels, Replica]


def _field(
    name: str, help_text: str, section: str, *fields: str, zero_is_none: bool = False
) -> Metric[Snapshot]:
    """Return a metric that is one number of INFO; of `fields` the server's own counts."""

    def read(snapshot: Snapshot) -> Number:
        number = snapshot.info.number(section, *fields)
        return None if zero_is_none and number == 0 else number

    kind = Kind.COUNTER if name.endswith("_total") else Kind.GAUGE
    return Metric(f"dragonfly_{name}", f"{help_text} (`{' | '.join(fields)}`).", read, kind=kind)


def _role(snapshot: Snapshot) -> Mapping[Labels, float] | None:
    if snapshot.role is None:
        return None
    return {(role,): int(role == snapshot.role) for role in ("master", "replica")}


def _save_ok(snapshot: Snapshot) -> Number:
    status = snapshot.info.text("Persistence", "rdb_last_bgsave_status")
    return None if status is None else int(status == "ok")


SERVER: Table[Snapshot] = Table(
    (
        Metric(
            "dragonfly_server_info",
            "What answers; always 1 (`dragonfly_version | valkey_version | redis_version`, `redis_mode`).",
            lambda snapshot: {
                (snapshot.server.product, snapshot.server.version, snapshot.server.mode): 1,
            },
            labels=("product", "version", "mode"),
        ),
        _field("uptime_seconds", "Time since the server started", "Server", "uptime_in_seconds"),
        _field("loading", "1 while the server reads its data set", "Persistence", "loading"),
        Metric(
            "dragonfly_cpu_seconds_total",
            "CPU time of the server's process and of its children (`used_cpu_sys`, `used_cpu_user`,"
            " `…_children`; Dragonfly's missing zeros are repaired).",
            lambda snapshot: snapshot.cpu_seconds,
            labels=("mode",),
            kind=Kind.COUNTER,
        ),
    )
)

MEMORY: Table[Snapshot] = Table(
    (
        _field("memory_usage_bytes", "Memory that data and server use", "Memory", "used_memory"),
        _field("memory_usage_peak_bytes", "Most memory used since the start", "Memory", "used_memory_peak"),
        _field("memory_resident_bytes", "Memory the operating system has given", "Memory", "used_memory_rss"),
        _field(
            "memory_limit_bytes",
            "Memory at which the server evicts or refuses; absent without a limit",
            "Memory",
            "maxmemory",
            zero_is_none=True,
        ),
        Metric(
            "dragonfly_memory_policy_info",
            "What happens at the memory limit; always 1 (`maxmemory_policy`).",
            lambda snapshot: {(snapshot.policy,): 1} if snapshot.policy else None,
            labels=("policy",),
        ),
        Metric(
            "dragonfly_oom_rejections_total",
            "Commands refused for lack of memory (`oom_rejections | errorstat_OOM`).",
            lambda snapshot: snapshot.oom_rejections,
            kind=Kind.COUNTER,
        ),
    )
)

CACHE: Table[Snapshot] = Table(
    (
        _field("cache_hits_total", "Key lookups that found the key", "Stats", "keyspace_hits"),
        _field("cache_misses_total", "Key lookups that found nothing", "Stats", "keyspace_misses"),
        _field("cache_evictions_total", "Keys dropped for lack of memory", "Stats", "evicted_keys"),
        _field("cache_expirations_total", "Keys dropped at their expiry", "Stats", "expired_keys"),
    )
)

CLIENTS: Table[Snapshot] = Table(
    (
        _field("clients_connected", "Open client connections", "Clients", "connected_clients"),
        _field("clients_blocked", "Clients that wait in a blocking command", "Clients", "blocked_clients"),
        _field("clients_limit", "Most client connections allowed", "Clients", "max_clients", "maxclients"),
        _field(
            "clients_accepted_total", "Connections accepted so far", "Stats", "total_connections_received"
        ),
        _field(
            "clients_rejected_total",
            "Connections refused because of the limit; absent on Dragonfly, which does not count them",
            "Stats",
            "rejected_connections",
        ),
        _field("executed_commands_total", "Commands executed", "Stats", "total_commands_processed"),
        _field("network_received_bytes_total", "Bytes from clients", "Stats", "total_net_input_bytes"),
        _field("network_sent_bytes_total", "Bytes to clients", "Stats", "total_net_output_bytes"),
    )
)

PERSISTENCE: Table[Snapshot] = Table(
    (
        _field(
            "snapshot_last_success_timestamp_seconds",
            "When the last snapshot succeeded; the server's start if none did",
            "Persistence",
            "last_success_save",
            "rdb_last_save_time",
        ),
        _field(
            "snapshot_last_failure_timestamp_seconds",
            "When the last snapshot failed; absent if none did or the server does not say",
            "Persistence",
            "last_failed_save",
            zero_is_none=True,
        ),
        _field(
            "snapshot_last_duration_seconds",
            "Time the last snapshot took",
            "Persistence",
            "last_success_save_duration_sec",
            "rdb_last_bgsave_time_sec",
        ),
        _field(
            "snapshot_in_progress", "1 while a snapshot is written", "Persistence", "rdb_bgsave_in_progress"
        ),
        _field(
            "snapshot_unsaved_changes",
            "Changes since the last snapshot",
            "Persistence",
            "rdb_changes_since_last_success_save",
            "rdb_changes_since_last_save",
        ),
        Metric(
            "dragonfly_snapshot_last_ok",
            "1 if the last snapshot succeeded (`rdb_last_bgsave_status`).",
            _save_ok,
        ),
    )
)

REPLICATION: Table[Snapshot] = Table(
    (
        Metric("dragonfly_role", "1 for the role that the server has (`role`).", _role, labels=("role",)),
        _field("replicas_connected", "Replicas of this server", "Replication", "connected_slaves"),
    )
)

TIERING: Table[Snapshot] = Table(
    (
        _field("tiering_entries", "Values on disk", "Tiered", "tiered_entries"),
        _field("tiering_entries_bytes", "Size of the values on disk", "Tiered", "tiered_entries_bytes"),
        _field("tiering_allocated_bytes", "Disk space in use", "Tiered", "tiered_allocated_bytes"),
        _field("tiering_capacity_bytes", "Disk space set up so far", "Tiered", "tiered_capacity_bytes"),
        _field("tiering_memory_hits_total", "Lookups answered from memory", "Tiered", "tiered_ram_hits"),
        _field(
            "tiering_cool_hits_total",
            "Lookups answered from memory that was about to be freed",
            "Tiered",
            "tiered_ram_cool_hits",
        ),
        _field("tiering_disk_hits_total", "Lookups that read the disk", "Tiered", "tiered_ram_misses"),
        _field("tiering_stashes_total", "Values moved to disk", "Tiered", "tiered_total_stashes"),
        _field("tiering_fetches_total", "Values read from disk", "Tiered", "tiered_total_fetches"),
        _field(
            "tiering_throttled_clients_total",
            "Times that a client had to wait for the disk",
            "Tiered",
            "tiered_total_clients_throttled",
        ),
    )
)

ERRORS: Table[Snapshot] = Table(
    (
        Metric(
            "dragonfly_errors_total",
            "Error answers to clients by kind; kinds unknown to us are `other` (section `Errorstats`).",
            lambda snapshot: snapshot.errors,
            labels=("error",),
            kind=Kind.COUNTER,
        ),
    )
)

DATABASES: Table[Database] = Table(
    (
        Metric(
            "dragonfly_database_keys",
            "Keys of the database (`dbN:keys`).",
            lambda database: parse_number(database[1].get("keys")),
        ),
        Metric(
            "dragonfly_database_expiring_keys",
            "Keys of the database that have an expiry (`dbN:expires`).",
            lambda database: parse_number(database[1].get("expires")),
        ),
    ),
    labels=("db",),
    key=lambda database: database[0],
)

MASTERS: Table[Master] = Table(
    (
        Metric(
            "dragonfly_replication_link_up",
            "On a replica: 1 if it is connected to its master (`master_link_status`).",
            lambda master: int(master[1].up),
        ),
        Metric(
            "dragonfly_replication_last_io_seconds",
            "On a replica: time since its master was last heard (`master_last_io_seconds_ago`).",
            lambda master: master[1].last_io_seconds,
        ),
        Metric(
            "dragonfly_replication_sync_in_progress",
            "On a replica: 1 while it takes over the master's whole data set (`master_sync_in_progress`).",
            lambda master: master[1].syncing,
        ),
    ),
    labels=("master",),
    key=lambda master: master[0],
)

REPLICAS: Table[Follower] = Table(
    (
        Metric(
            "dragonfly_replica_in_sync",
            "On a master: 1 if the replica follows the stream of changes (`slaveN:state`).",
            lambda replica: int(replica[1].in_sync),
        ),
        Metric(
            "dragonfly_replica_lag_records",
            "On a Dragonfly master: changes that the replica has not confirmed (`slaveN:lag`).",
            lambda replica: replica[1].lag_records,
        ),
        Metric(
            "dragonfly_replica_lag_bytes",
            "On a Redis or Valkey master: bytes that the replica has not confirmed"
            " (`master_repl_offset` less `slaveN:offset`).",
            lambda replica: replica[1].lag_bytes,
        ),
        Metric(
            "dragonfly_replica_last_acknowledged_seconds",
            "On a Redis or Valkey master: time since the replica last confirmed (`slaveN:lag`).",
            lambda replica: replica[1].last_acknowledged_seconds,
        ),
    ),
    labels=("replica",),
    key=lambda replica: replica[0],
)

COMMANDS: Table[Command] = Table(
    (
        Metric(
            "dragonfly_command_calls_total",
            "Calls of the command (`cmdstat_<command>:calls`).",
            lambda command: command.calls,
            kind=Kind.COUNTER,
        ),
        Metric(
            "dragonfly_command_duration_seconds_total",
            "Time spent in the command (`cmdstat_<command>:usec`).",
            lambda command: command.seconds,
            kind=Kind.COUNTER,
        ),
    ),
    labels=("command",),
    key=lambda command: (command.name,),
)

ANSWERS: Table[Answer] = Table(
    (
        Metric(
            "dragonfly_ping_duration_seconds",
            "Time from sending PING, in one write with INFO ALL and SLOWLOG, until its answer had arrived;"
            " the server may hold it back until all are done, so this is the most that a PING takes.",
            lambda answer: answer.ping_seconds,
        ),
    )
)

SLOWLOG: Table[SlowLog] = Table(
    (
        Metric(
            "dragonfly_slowlog_entries",
            "Entries in the slow log (`SLOWLOG LEN`).",
            lambda slowlog: slowlog.entries,
        ),
        Metric(
            "dragonfly_slowlog_newest_id",
            "Number of the newest slow command (`SLOWLOG GET 1`); Dragonfly counts by thread: it may fall.",
            lambda slowlog: slowlog.newest_id,
        ),
        Metric(
            "dragonfly_slowlog_newest_timestamp_seconds",
            "When the newest slow command ran (`SLOWLOG GET 1`).",
            lambda slowlog: slowlog.newest_timestamp_seconds,
        ),
        Metric(
            "dragonfly_slowlog_newest_duration_seconds",
            "Time the newest slow command took (`SLOWLOG GET 1`).",
            lambda slowlog: slowlog.newest_duration_seconds,
        ),
    )
)

SNAPSHOT_TABLES = (SERVER, MEMORY, CACHE, CLIENTS, PERSISTENCE, REPLICATION, TIERING, ERRORS)
TABLES: tuple[Table[Any], ...] = (*SNAPSHOT_TABLES, DATABASES, MASTERS, REPLICAS, COMMANDS, ANSWERS, SLOWLOG)

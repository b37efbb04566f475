"""Read what the metrics need out of INFO; pure. An absent field stays absent, it is never 0."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vectorwatch.serve.metric import Labels

from .info import Field, Info, Number, parse_number, parse_pairs, parse_unpadded_seconds

REQUIRED_SECTIONS = ("Server", "Clients", "Memory", "Stats")

_DATABASE = re.compile(r"db\d{1,6}", re.ASCII)
_COMMAND = re.compile(r"cmdstat_([a-z][a-z0-9._|-]{0,63}):calls=(\d{1,18}),usec=(\d{1,18})(?:,|$)", re.ASCII)
_REPLICA = re.compile(r"slave\d{1,6}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._:%\-\[\]]{1,255}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9._+\-]{1,64}", re.ASCII)

_ROLES = {"master": "master", "slave": "replica", "replica": "replica"}
_IN_SYNC = frozenset({"online", "stable_sync"})
_MODES = frozenset({"standalone", "cluster", "sentinel", "emulated"})
_POLICIES = frozenset(
    {"noeviction", "eviction"}
    | {f"allkeys-{rule}" for rule in ("lru", "lfu", "lrm", "random")}
    | {f"volatile-{rule}" for rule in ("lru", "lfu", "lrm", "random", "ttl")}
)
# Scripts and, in Dragonfly, whole sentences appear among the errors: only these names become labels.
_ERRORS = frozenset(
    # Redis and Valkey, then Dragonfly (src/facade/error.h)
    re.findall(
        r"\w+",
        """
        ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT INPROG LOADING MASTERDOWN
        MISCONF MOVED NOAUTH NOGROUP NOPERM NOPROTO NOREPLICAS NOSCRIPT NOTBUSY OOM READONLY TRYAGAIN
        UNBLOCKED UNKILLABLE WRONGPASS WRONGTYPE
        config_error no_auth no_group_error restrict_denied script_error search_error syntax_error
        unknown_cmd wrong_type
        """,
    )
)
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Server:
    """Who answers."""

    product: str
    version: str
    mode: str


@dataclass(frozen=True, slots=True)
class MasterLink:
    """A replica's link to one master, from the replica's side."""

    up: bool
    last_io_seconds: Number
    syncing: Number


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica from its master's side; Dragonfly counts its lag in records, Redis and Valkey in bytes."""

    in_sync: bool
    lag_records: Number
    lag_bytes: Number
    last_acknowledged_seconds: Number


class Command(NamedTuple):
    """What the server spent on one command since its start."""

    name: str
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One INFO, and what of it needs more than a name to be read."""

    info: Info
    server: Server
    role: str | None
    cpu_seconds: Mapping[Labels, float]
    databases: Mapping[Labels, Mapping[str, str]]
    masters: Mapping[Labels, MasterLink]
    replicas: Mapping[Labels, Replica]
    commands: tuple[Command, ...]
    errors: Mapping[Labels, float] | None

    @property
    def policy(self) -> str | None:
        """Return what happens when memory is full; a name unknown to us is `other`."""
        policy = self.info.text("Memory", "maxmemory_policy")
        return policy if policy is None or policy in _POLICIES else OTHER

    @property
    def oom_rejections(self) -> Number:
        """Return the commands refused for lack of memory; Redis and Valkey count them as errors `OOM`."""
        if self.server.product == "dragonfly":
            return self.info.number("Stats", "oom_rejections")
        return None if self.errors is None else self.errors.get(("OOM",), 0)

    @property
    def missing_sections(self) -> tuple[str, ...]:
        """Return the sections that every server has and this answer lacks."""
        return tuple(name for name in REQUIRED_SECTIONS if ":" not in self.info.sections.get(name, ""))


def read_snapshot(info: Info) -> Snapshot:
    """Return what `info` says."""
    server = _read_server(info)
    dragonfly = server.product == "dragonfly"
    return Snapshot(
        info=info,
        server=server,
        role=_ROLES.get(info.text("Replication", "role") or ""),
        cpu_seconds=_read_cpu(info, unpadded=dragonfly),
        databases=_read_databases(info.pairs("Keyspace")),
        masters=_read_masters(info.pairs("Replication")),
        replicas=_read_replicas(info, dragonfly=dragonfly),
        commands=tuple(_read_commands(info.lines("Commandstats"))),
        errors=_read_errors(info.pairs("Errorstats")) if "Errorstats" in info.sections else None,
    )


def _read_server(info: Info) -> Server:
    product, version = OTHER, ""
    # Dragonfly and Valkey also name the Redis version that they are compatible with.
    for name in ("dragonfly", "valkey", "redis"):
        text = info.text("Server", f"{name}_version")
        if text is not None:
            product, version = name, text.removeprefix("df-").removeprefix("v")
            break
    mode = info.text("Server", "redis_mode") or info.text("Server", "server_mode")
    return Server(
        product=product,
        version=version if _VERSION.fullmatch(version) else OTHER,
        mode=mode if mode in _MODES else OTHER,
    )


def _read_cpu(info: Info, *, unpadded: bool) -> dict[Labels, float]:
    section = "Cpu" if "Cpu" in info.sections else "CPU"
    parse = parse_unpadded_seconds if unpadded else parse_number
    modes = {"system": "used_cpu_sys", "user": "used_cpu_user"}
    modes |= {f"{mode}_children": f"{name}_children" for mode, name in modes.items()}
    seconds = {(mode,): parse(info.text(section, name)) for mode, name in modes.items()}
    return {mode: value for mode, value in seconds.items() if value is not None}


def _read_databases(fields: Iterable[Field]) -> dict[Labels, Mapping[str, str]]:
    return {(name,): parse_pairs(value) for name, value in fields if _DATABASE.fullmatch(name)}


def _read_masters(pairs: list[Field]) -> dict[Labels, MasterLink]:
    """Read each master's fields; a Dragonfly replica of several masters prints the same names again."""
    groups: list[dict[str, str]] = []
    for name, value in pairs:
        if name == "master_host":
            groups.append({})
        if groups:
            groups[-1][name] = value
    return {
        (_read_address(group.get("master_host"), group.get("master_port")),): MasterLink(
            up=group["master_link_status"] == "up",
            last_io_seconds=parse_number(group.get("master_last_io_seconds_ago")),
            syncing=parse_number(group.get("master_sync_in_progress")),
        )
        for group in groups
        if "master_link_status" in group
    }


def _read_replicas(info: Info, *, dragonfly: bool) -> dict[Labels, Replica]:
    written = info.number("Replication", "master_repl_offset")
    replicas: dict[Labels, Replica] = {}
    for name, value in info.pairs("Replication"):
        if _REPLICA.fullmatch(name):
            parts = parse_pairs(value)
            lag = parse_number(parts.get("lag"))
            replicas[(_read_address(parts.get("ip"), parts.get("port")),)] = Replica(
                in_sync=parts.get("state") in _IN_SYNC,
                lag_records=lag if dragonfly else None,
                lag_bytes=_difference(written, parse_number(parts.get("offset"))),
                last_acknowledged_seconds=None if dragonfly else lag,
            )
    return replicas


def _difference(written: Number, acknowledged: Number) -> Number:
    if written is None or acknowledged is None:
        return None
    return max(written - acknowledged, 0)


def _read_address(host: str | None, port: str | None) -> str:
    """Return `host:port`; a replica announces its host itself, so an odd one does not become a label."""
    number = parse_number(port)
    if host is None or not _HOST.fullmatch(host) or not isinstance(number, int) or number > 65535:
        return OTHER
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def _read_commands(lines: Iterable[str]) -> Iterator[Command]:
    """Read the commands; `unknown_<name>` (Dragonfly) is skipped: any client can choose that text."""
    for found in filter(None, map(_COMMAND.match, lines)):
        yield Command(found[1], int(found[2]), int(found[3]) / 1e6)


def _read_errors(pairs: list[Field]) -> dict[Labels, float]:
    """Sum the errors by name: `errorstat_ERR:count=3` (Redis, Valkey) or `syntax_error:3` (Dragonfly)."""
    errors: dict[Labels, float] = {}
    for name, value in pairs:
        count = parse_number(value.removeprefix("count="))
        known = name.removeprefix("errorstat_")
        if count is not None:
            key = (known if known in _ERRORS else OTHER,)
            errors[key] = errors.get(key, 0) + count
    return errors

"""Turn Qdrant's JSON into facts: tolerant of what a version lacks, strict about what it sends.

Field names are those of Qdrant's REST API, read at 1.12 to 1.20. An absent field stays None, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vectorwatch.errors import Reason, TargetError

STATUSES = ("green", "yellow", "grey", "red")
ISSUE_KINDS = ("unindexed_field", "too_many_collections", "other")
CONSENSUS_STATES = ("working", "stopped", "stopped_with_err")
ROLES = ("Leader", "Follower", "Candidate", "PreCandidate")
REPLICA_STATES = (
    "Active",
    "ActiveRead",
    "Dead",
    "Initializing",
    "Listener",
    "ManualRecovery",
    "Partial",
    "PartialSnapshot",
    "Recovery",
    "Resharding",
    "ReshardingScaleDown",
)
# `ReplicaState::is_active` of Qdrant 1.19: these serve reads and writes.
ACTIVE_STATES = frozenset({"Active", "ReshardingScaleDown"})

_MAX_COUNT = 2**64  # peer ids are unsigned 64-bit numbers
_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,40}")


@dataclass(frozen=True, slots=True)
class Vector:
    """How one vector of a collection is stored and indexed."""

    name: str
    kind: str
    size: int | None
    distance: str
    m: int | None
    ef_construct: int | None
    quantization: str
    on_disk: bool


@dataclass(frozen=True, slots=True)
class PayloadIndex:
    """An index on a payload field and how many points have the field."""

    field: str
    data_type: str
    points: int | None


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection as `GET /collections/{name}` describes it."""

    name: str
    status: str
    optimizer_ok: bool | None
    points: int | None
    indexed_vectors: int | None
    segments: int | None
    shards: int | None
    replication_factor: int | None
    queued_updates: int | None
    deferred_points: int | None
    warnings: int
    vectors: tuple[Vector, ...] = ()
    payload_indexes: tuple[PayloadIndex, ...] = ()

    @property
    def unindexed_ratio(self) -> float | None:
        """Return the share of vectors that no index covers, in [0, 1]; None where nothing can be indexed.

        `points_count` counts points and `indexed_vectors_count` vectors, over all named ones, and both are
        approximate: the ratio is clamped. Segments below `indexing_threshold` stay unindexed by design.
        """
        dense = sum(vector.kind == "dense" for vector in self.vectors)
        if self.points is None or self.indexed_vectors is None or dense == 0:
            return None
        if self.points == 0:
            return 0.0
        return min(1.0, max(0.0, 1.0 - self.indexed_vectors / (self.points * dense)))


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy of one shard."""

    shard: str
    peer: str
    state: str


@dataclass(frozen=True, slots=True)
class CollectionCluster:
    """How a collection is spread, from `GET /collections/{name}/cluster`."""

    name: str
    replicas: tuple[Replica, ...]
    transfers: int
    resharding_operations: int


@dataclass(frozen=True, slots=True)
class Consensus:
    """The node's view of its cluster, from `GET /cluster` of a distributed deployment."""

    peers: int
    term: int | None
    commit: int | None
    pending_operations: int | None
    role: str
    leader_known: bool
    is_voter: bool | None
    state: str
    last_update: float | None
    send_failures: Mapping[str, int] = field(default_factory=dict)


def result_of(answer: Any, what: str) -> Any:
    """Return `result` of Qdrant's envelope. Raises TargetError(decode) when it has none."""
    if not isinstance(answer, dict) or "result" not in answer:
        raise TargetError(Reason.DECODE, f"{what}: no `result` in the answer")
    return answer["result"]


def parse_version(answer: Any) -> str:
    """Return the version that `GET /` names."""
    version = answer.get("version") if isinstance(answer, dict) else None
    if not isinstance(version, str):
        raise TargetError(Reason.DECODE, "/: no `version`: is this a Qdrant server?")
    return _word(version)


def parse_names(result: Any) -> list[str]:
    """Return the collection names in order."""
    return sorted(_text(entry, "name") for entry in _list(result, "collections"))


def parse_aliases(result: Any) -> dict[str, str]:
    """Return collection names by alias."""
    return {_text(entry, "alias_name"): _text(entry, "collection_name") for entry in _list(result, "aliases")}


def parse_issues(result: Any) -> dict[str, int]:
    """Return the number of issues by kind; every kind is present."""
    counts = dict.fromkeys(ISSUE_KINDS, 0)
    for issue in _list(result, "issues"):
        kind = _text(issue, "id").split("/")[0].lower()
        counts[kind if kind in counts else "other"] += 1
    return counts


def parse_collection(name: str, result: Any) -> Collection:
    """Return the facts of one collection."""
    info = _object(result, "result")
    config = _object(info.get("config") or {}, "config")
    params = _object(config.get("params") or {}, "params")
    queue = _object(info.get("update_queue") or {}, "update_queue")
    optimizer = info.get("optimizer_status")
    return Collection(
        name=name,
        status=_word(_text(info, "status")),
        # "ok", or {"error": message}; the message stays out of labels.
        optimizer_ok=None if optimizer is None else optimizer == "ok",
        points=_count(info, "points_count"),
        indexed_vectors=_count(info, "indexed_vectors_count"),
        segments=_count(info, "segments_count"),
        shards=_count(params, "shard_number"),
        replication_factor=_count(params, "replication_factor"),
        queued_updates=_count(queue, "length"),
        deferred_points=_count(queue, "deferred_points"),
        warnings=len(_list(info, "warnings")),
        vectors=tuple(_vectors(params, config)),
        payload_indexes=tuple(_payload_indexes(info)),
    )


def parse_collection_cluster(name: str, result: Any) -> CollectionCluster:
    """Return how one collection is spread over peers."""
    info = _object(result, "result")
    this_peer = str(_count(info, "peer_id") or 0)
    local = (_replica(shard, this_peer) for shard in _list(info, "local_shards"))
    remote = (_replica(shard, str(_count(shard, "peer_id") or 0)) for shard in _list(info, "remote_shards"))
    return CollectionCluster(
        name=name,
        replicas=(*local, *remote),
        transfers=len(_list(info, "shard_transfers")),
        resharding_operations=len(_list(info, "resharding_operations")),
    )


def parse_consensus(result: Any) -> Consensus | None:
    """Return the node's view of its cluster, or None on a server that runs alone."""
    info = _object(result, "result")
    if info.get("status") != "enabled":
        return None
    raft = _object(info.get("raft_info") or {}, "raft_info")
    # The key stands twice, one inside the other: {"consensus_thread_status": {"consensus_thread_status": …}}.
    thread = _object(info.get("consensus_thread_status") or {}, "consensus_thread_status")
    failures = _object(info.get("message_send_failures") or {}, "message_send_failures")
    voter = raft.get("is_voter")
    return Consensus(
        peers=len(_object(info.get("peers") or {}, "peers")),
        term=_count(raft, "term"),
        commit=_count(raft, "commit"),
        pending_operations=_count(raft, "pending_operations"),
        role=_word(str(raft.get("role") or "unknown")),
        leader_known=raft.get("leader") is not None,
        is_voter=voter if isinstance(voter, bool) else None,
        state=_word(str(thread.get("consensus_thread_status") or "unknown")),
        last_update=_timestamp(thread.get("last_update")),
        send_failures={
            peer: _count(_object(failure, peer), "count") or 0 for peer, failure in failures.items()
        },
    )


def _vectors(params: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Vector]:
    hnsw = _object(config.get("hnsw_config") or {}, "hnsw_config")
    quantization = config.get("quantization_config")
    declared = _object(params.get("vectors") or {}, "vectors")
    # One unnamed vector is the parameters themselves; named ones are a map to them.
    named = {"": declared} if isinstance(declared.get("size"), int) else declared
    for name, raw in named.items():
        vector = _object(raw, name)
        own = {**hnsw, **_given(vector.get("hnsw_config"))}
        yield Vector(
            name=name,
            kind="multivector" if vector.get("multivector_config") else "dense",
            size=_count(vector, "size"),
            distance=_word(str(vector.get("distance") or "unknown")),
            m=_count(own, "m"),
            ef_construct=_count(own, "ef_construct"),
            quantization=_quantization(vector.get("quantization_config") or quantization),
            on_disk=vector.get("on_disk") is True,
        )
    for name, raw in _object(params.get("sparse_vectors") or {}, "sparse_vectors").items():
        index = _object(_object(raw or {}, name).get("index") or {}, "index")
        yield Vector(name, "sparse", None, "Dot", None, None, "none", index.get("on_disk") is True)


def _given(raw: Any) -> dict[str, Any]:
    return {key: value for key, value in _object(raw or {}, "hnsw_config").items() if value is not None}


def _quantization(raw: Any) -> str:
    """Return the one key of a quantization configuration: scalar, product, binary, turbo."""
    if not isinstance(raw, dict) or not raw:
        return "none"
    return _word(next(iter(raw)))


def _payload_indexes(info: Mapping[str, Any]) -> Iterator[PayloadIndex]:
    for name, raw in _object(info.get("payload_schema") or {}, "payload_schema").items():
        schema = _object(raw, name)
        data_type = schema.get("data_type")
        kind = data_type if isinstance(data_type, str) else "unknown"
        yield PayloadIndex(name, _word(kind), _count(schema, "points"))


def _replica(shard: Any, peer: str) -> Replica:
    return Replica(str(_count(shard, "shard_id") or 0), peer, _word(_text(shard, "state")))


def _object(raw: Any, what: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise TargetError(Reason.DECODE, f"`{what}` is not an object")
    return raw


def _list(raw: Any, key: str) -> list[Any]:
    found = _object(raw, "result").get(key) or []
    if not isinstance(found, list):
        raise TargetError(Reason.DECODE, f"`{key}` is not a list")
    return found


def _text(raw: Any, key: str) -> str:
    found = _object(raw, "entry").get(key)
    if not isinstance(found, str):
        raise TargetError(Reason.DECODE, f"`{key}` is not a text")
    return found


def _count(raw: Any, key: str) -> int | None:
    """Return a number of things: None when absent; anything but a whole number below 2^64 is an error."""
    found = _object(raw, "entry").get(key)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < _MAX_COUNT:
        raise TargetError(Reason.DECODE, f"`{key}` is not a count")
    return found


def _word(text: str) -> str:
    """Return a value that may become a label: short and plain, else `other`."""
    return text if _WORD.fullmatch(text) else "other"


def _timestamp(raw: Any) -> float | None:
    """Return Unix seconds of an RFC 3339 time; nanoseconds are cut to what Python reads."""
    if not isinstance(raw, str):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", raw)).timestamp()
    except ValueError:
        return None

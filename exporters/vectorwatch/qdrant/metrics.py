"""The metrics of the Qdrant exporter, one row each.

None is named like one of Qdrant's own, with or without the prefix `qdrant_` that `service.metrics_prefix` can
add: the native gauges carry other labels, and both end up in the same Prometheus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vectorwatch.serve.metric import Kind, Labels, Metric, Table

from .snapshot import (
    ACTIVE_STATES,
    CONSENSUS_STATES,
    ROLES,
    STATUSES,
    Collection,
    CollectionCluster,
    Consensus,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of the server was read."""

    collections: int
    unreadable: int
    skipped: int


def state_set(current: str, known: Iterable[str]) -> Mapping[Labels, float]:
    """Return 1 for the current state and 0 for the other known ones; an unknown one is shown as given."""
    return {(state,): int(state == current) for state in (*known, *({current} - set(known)))}


def _vector_info(collection: Collection) -> Mapping[Labels, float]:
    return {
        (
            vector.name,
            vector.kind,
            _shown(vector.size),
            vector.distance,
            _shown(vector.m),
            _shown(vector.ef_construct),
            vector.quantization,
            str(vector.on_disk).lower(),
        ): 1
        for vector in collection.vectors
    }


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)


def _replicas_by_state(cluster: CollectionCluster) -> Mapping[Labels, float]:
    # The two that people alert on are always there, so that a first dead replica is a step from 0.
    counts = Counter({"Active": 0, "Dead": 0})
    counts.update(replica.state for replica in cluster.replicas)
    return {(state,): count for state, count in counts.items()}


READING: Table[Reading] = Table(
    (
        Metric(
            "qdrant_collections",
            "Collections (`result.collections` of /collections).",
            lambda r: r.collections,
        ),
        Metric(
            "qdrant_unreadable_collections",
            "Collections whose details could not be read in this scrape.",
            lambda r: r.unreadable,
        ),
        Metric(
            "qdrant_skipped_collections",
            "Collections left out of this scrape because of the setting `max_collections`.",
            lambda r: r.skipped,
        ),
    )
)

VERSION: Table[str] = Table(
    (Metric("qdrant_server_info", "Version of the server (`version` of /); always 1.", lambda _: 1),),
    labels=("version",),
    key=lambda version: (version,),
)

READY: Table[bool] = Table(
    (
        Metric(
            "qdrant_ready",
            "1 if /readyz answers 200. It stays 1 once all shards were ready: no sign of health after start.",
            int,
        ),
    )
)

ISSUES: Table[Mapping[str, int]] = Table(
    (
        Metric(
            "qdrant_issues",
            "Issues that the server reports about its use (`result.issues[].id` of /issues).",
            lambda issues: {(kind,): count for kind, count in issues.items()},
            labels=("kind",),
        ),
    )
)

ALIASES: Table[Mapping[str, str]] = Table(
    (
        Metric(
            "qdrant_alias_info",
            "Collection that an alias points to (`result.aliases` of /aliases); always 1.",
            lambda aliases: dict.fromkeys(aliases.items(), 1),
            labels=("alias", "collection"),
        ),
        Metric("qdrant_aliases", "Aliases (`result.aliases` of /aliases).", len),
    )
)

COLLECTIONS: Table[Collection] = Table(
    (
        Metric(
            "qdrant_collection_status",
            "1 for the current status (`result.status`): green is well, yellow optimises, grey waits for a "
            "write before it optimises, red has failed.",
            lambda c: state_set(c.status, STATUSES),
            labels=("status",),
        ),
        Metric(
            "qdrant_collection_optimizer_ok",
            "1 if the optimizer works, 0 if it has failed (`result.optimizer_status`).",
            lambda c: c.optimizer_ok,
        ),
        Metric(
            "qdrant_collection_approximate_points",
            "Points, as Qdrant estimates them (`result.points_count`).",
            lambda c: c.points,
        ),
        Metric(
            "qdrant_collection_indexed_vectors",
            "Vectors in an index, over all named vectors (`result.indexed_vectors_count`).",
            lambda c: c.indexed_vectors,
        ),
        Metric(
            "qdrant_collection_unindexed_ratio",
            "Share of dense vectors that no index covers, 0 to 1. Segments below the indexing threshold stay "
            "unindexed by design.",
            lambda c: c.unindexed_ratio,
        ),
        Metric("qdrant_collection_segments", "Segments (`result.segments_count`).", lambda c: c.segments),
        Metric(
            "qdrant_collection_queued_updates",
            "Updates that wait to be applied (`result.update_queue.length`, Qdrant 1.17 and later).",
            lambda c: c.queued_updates,
        ),
        Metric(
            "qdrant_collection_deferred_points",
            "Points hidden from searches until they are indexed (`result.update_queue.deferred_points`).",
            lambda c: c.deferred_points,
        ),
        Metric(
            "qdrant_collection_warnings",
            "Warnings about the configuration (`result.warnings`, Qdrant 1.16 and later).",
            lambda c: c.warnings,
        ),
        Metric(
            "qdrant_collection_configured_shards",
            "Shards the collection is split into (`config.params.shard_number`).",
            lambda c: c.shards,
        ),
        Metric(
            "qdrant_collection_configured_replicas",
            "Copies wanted of each shard (`config.params.replication_factor`).",
            lambda c: c.replication_factor,
        ),
        Metric(
            "qdrant_collection_vector_info",
            "How a vector is stored and indexed (`config.params.vectors`); always 1.",
            _vector_info,
            labels=("vector", "kind", "size", "distance", "m", "ef_construct", "quantization", "on_disk"),
        ),
        Metric(
            "qdrant_collection_payload_indexes",
            "Payload fields that have an index (`result.payload_schema`).",
            lambda c: len(c.payload_indexes),
        ),
        Metric(
            "qdrant_collection_payload_index_points",
            "Points that have the indexed field (`result.payload_schema.*.points`).",
            lambda c: {
                (index.field, index.data_type): index.points
                for index in c.payload_indexes
                if index.points is not None
            },
            labels=("field", "data_type"),
        ),
    ),
    labels=("collection",),
    key=lambda c: (c.name,),
)

COLLECTION_CLUSTERS: Table[CollectionCluster] = Table(
    (
        Metric(
            "qdrant_collection_replicas",
            "Shard copies by state, over all peers (`state` of /collections/{name}/cluster).",
            _replicas_by_state,
            labels=("state",),
        ),
        Metric(
            "qdrant_collection_replica_active",
            "1 if this copy of a shard serves requests (state Active or ReshardingScaleDown).",
            lambda c: {
                (replica.shard, replica.peer): int(replica.state in ACTIVE_STATES) for replica in c.replicas
            },
            labels=("shard", "peer"),
        ),
        Metric(
            "qdrant_collection_shard_transfers",
            "Shard transfers that run (`shard_transfers`).",
            lambda c: c.transfers,
        ),
        Metric(
            "qdrant_collection_resharding_operations",
            "Resharding operations that run (`resharding_operations`).",
            lambda c: c.resharding_operations,
        ),
    ),
    labels=("collection",),
    key=lambda c: (c.name,),
)

CLUSTER_MODE: Table[bool] = Table(
    (
        Metric(
            "qdrant_distributed", "1 if the server is part of a cluster (`result.status` of /cluster).", int
        ),
    )
)

CONSENSUS: Table[Consensus] = Table(
    (
        Metric("qdrant_consensus_peers", "Peers that this node knows (`peers`).", lambda c: c.peers),
        Metric("qdrant_consensus_term", "Raft term (`raft_info.term`).", lambda c: c.term),
        Metric(
            "qdrant_consensus_commit", "Last committed Raft entry (`raft_info.commit`).", lambda c: c.commit
        ),
        Metric(
            "qdrant_consensus_pending_operations",
            "Operations committed and not yet applied (`raft_info.pending_operations`).",
            lambda c: c.pending_operations,
        ),
        Metric(
            "qdrant_consensus_role",
            "1 for the Raft role of this node (`raft_info.role`).",
            lambda c: state_set(c.role, ROLES),
            labels=("role",),
        ),
        Metric(
            "qdrant_consensus_leader_known",
            "1 if the node knows a leader (`raft_info.leader`).",
            lambda c: c.leader_known,
        ),
        Metric("qdrant_consensus_voter", "1 if the node votes (`raft_info.is_voter`).", lambda c: c.is_voter),
        Metric(
            "qdrant_consensus_state",
            "1 for the state of the consensus thread (`consensus_thread_status`).",
            lambda c: state_set(c.state, CONSENSUS_STATES),
            labels=("state",),
        ),
        Metric(
            "qdrant_consensus_last_update_timestamp_seconds",
            "When the consensus thread last worked (`last_update`).",
            lambda c: c.last_update,
        ),
        Metric(
            "qdrant_consensus_send_failures_total",
            "Messages to a peer that could not be sent (`message_send_failures`).",
            lambda c: {(peer,): count for peer, count in c.send_failures.items()},
            labels=("peer",),
            kind=Kind.COUNTER,
        ),
    )
)

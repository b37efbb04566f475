"""Expectation against answer, without any I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set

from .answer import ACTIVE_STATES, Collection, Issue, Spread
from .expectations import CollectionExpectation, Points
from .findings import Finding

_UNINDEXED = "unindexed_field"


def check_collection(expected: CollectionExpectation, found: Collection, points: int) -> Iterator[Finding]:
    """Yield what is wrong with one collection of so many `points`."""
    yield from _check_status(expected, found)
    if expected.points:
        yield from _check_range(expected.points, points)
    yield from _check_own_count(expected, found, points)
    yield from _check_vectors(expected, found)
    yield from _check_payload_indexes(expected, found, points)
    yield from _check_index(expected, found)


def check_likeness(points: int, other: str, others: int, within_percent: float) -> Iterator[Finding]:
    """Yield a finding when two collections do not have about the same number of points."""
    if apart_percent(points, others) > within_percent:
        yield Finding(
            "points",
            f"{points} points, and {other} has {others}: {apart_percent(points, others):.3g} % apart,"
            f" expected at most {within_percent:g} %",
            "copy again what is missing, or look which of the two lost a load",
        )


def check_spread(expected: CollectionExpectation, found: Collection, spread: Spread) -> Iterator[Finding]:
    """Yield shards with too few copies, and copies that do not serve."""
    configured = found.config.params.replication_factor
    wanted = expected.replication_factor or configured
    if expected.replication_factor not in (None, configured):
        yield Finding(
            "replication",
            f"replication factor {configured}, expected {wanted}",
            "set it (PATCH /collections/{name}, `params.replication_factor`) and add the replicas",
        )
    copies = [(one.shard_id, spread.peer_id, one.state) for one in spread.local_shards]
    copies += [(one.shard_id, one.peer_id, one.state) for one in spread.remote_shards]
    for shard, number in sorted(Counter(shard for shard, _, _ in copies).items()):
        if wanted is not None and number < wanted:
            yield Finding(
                "replication",
                f"shard {shard} has {number} of {wanted} replicas",
                "add one (POST /collections/{name}/cluster, `replicate_shard`)",
            )
    for shard, peer, state in sorted(copies):
        if state not in ACTIVE_STATES:
            yield Finding(
                "replica",
                f"the replica of shard {shard} on peer {peer} is {state}",
                "see that this node runs and that the others reach it; then it recovers by itself"
                if state == "Dead"
                else "look again when it has been copied",
            )


def check_replicas(spreads: Sequence[Spread], within_percent: float) -> Iterator[Finding]:
    """Yield shards whose copies do not have about the same number of points, as each node counts its own."""
    counts: dict[int, dict[int, int]] = {}
    for spread in spreads:
        for copy in spread.local_shards:
            if copy.points_count is not None and copy.state in ACTIVE_STATES:
                counts.setdefault(copy.shard_id, {})[spread.peer_id] = copy.points_count
    for shard, by_peer in sorted(counts.items()):
        if apart_percent(min(by_peer.values()), max(by_peer.values())) > within_percent:
            told = ", ".join(f"{number} on peer {peer}" for peer, number in sorted(by_peer.items()))
            yield Finding(
                "replica",
                f"the replicas of shard {shard} differ: {told}",
                "run this again when no write is under way; if it stays, drop the worse one and replicate",
            )


def check_aliases(
    expected: Mapping[str, str], found: Mapping[str, str], names: Set[str]
) -> Iterator[Finding]:
    """Yield aliases that are missing, lead elsewhere, or lead nowhere."""
    for alias, collection in expected.items():
        target = found.get(alias)
        if target is None:
            yield Finding(
                "alias",
                f"no alias `{alias}`, expected to lead to `{collection}`",
                "create it (POST /collections/aliases, `create_alias`)",
            )
        elif target != collection:
            yield Finding(
                "alias",
                f"alias `{alias}` leads to `{target}`, expected `{collection}`",
                "switch it (POST /collections/aliases), or correct the file if the move was meant",
            )
    for alias, target in sorted(found.items()):
        if target not in names:
            yield Finding(
                "alias",
                f"alias `{alias}` leads to `{target}`, which does not exist",
                "switch or delete it (POST /collections/aliases)",
            )


def check_issues(collection: str, issues: Sequence[Issue]) -> Iterator[Finding]:
    """Yield payload fields that queries filter on and that have no index, as the server has noted itself."""
    for issue in issues:
        kind, _, rest = issue.id.partition("/")
        if kind.lower() == _UNINDEXED and issue.related_collection == collection:
            field = rest.removeprefix(f"{collection}/")
            yield Finding(
                "payload_index",
                f"queries filter on `{field}`, which has no index, and are slow",
                "create it (PUT /collections/{name}/index)",
            )


def check_missing(name: str, names: Set[str], aliases: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding when there is no collection `name`; an alias of that name is none."""
    if name in names:
        return
    if name in aliases:
        yield Finding(
            "collection",
            f"this is an alias of `{aliases[name]}`, no collection",
            f"expect `{aliases[name]}` under `collections` and this name under `aliases`",
        )
    else:
        yield Finding(
            "collection", "there is no such collection", "restore it from a snapshot, or load it anew"
        )


def check_other(other: str) -> Iterator[Finding]:
    """Yield that there is no collection to compare with."""
    yield Finding("points", f"{other}, to compare with, does not exist", "copy it there, or correct `like`")


def apart_percent(one: int, other: int) -> float:
    """Return how far two numbers are apart, in percent of the larger one."""
    larger = max(one, other)
    return 100 * abs(one - other) / larger if larger else 0.0


def _check_status(expected: CollectionExpectation, found: Collection) -> Iterator[Finding]:
    if found.status not in expected.status:
        remedy = {
            "yellow": "it is being optimised; look again, or allow it (`status: [green, yellow]`)",
            "grey": "optimisation waits since the start; any write begins it",
            "red": "read `optimizer_status` of GET /collections/{name} and the server's log",
        }.get(found.status, "read the server's log")
        yield Finding("status", f"status {found.status}, expected {' or '.join(expected.status)}", remedy)


def _check_range(expected: Points, points: int) -> Iterator[Finding]:
    if expected.min is not None and points < expected.min:
        remedy = "look for a load that failed or a delete that went too far"
        yield Finding("points", f"{points} points, expected at least {expected.min}", remedy)
    if expected.max is not None and points > expected.max:
        remedy = "look for points that were loaded twice, or raise `max`"
        yield Finding("points", f"{points} points, expected at most {expected.max}", remedy)


def _check_own_count(expected: CollectionExpectation, found: Collection, points: int) -> Iterator[Finding]:
    # While segments are merged, points stand in two of them and Qdrant counts both.
    if found.status != "green" or found.points_count is None:
        return
    if apart_percent(found.points_count, points) > expected.counts_within_percent:
        yield Finding(
            "count",
            f"`points_count` says {found.points_count}, and counting gives {points}",
            "run this again when no write is under way; if it stays, rely on no count but exact ones",
        )


def _check_vectors(expected: CollectionExpectation, found: Collection) -> Iterator[Finding]:
    remedy = "this cannot be changed: make a collection anew, load it and switch the alias"
    for name, vector in expected.all_vectors.items():
        called = f"vector `{name}`" if name else "the vector without a name"
        real = found.dense_vectors.get(name)
        if real is None:
            there = ", ".join(f"`{one}`" if one else "one without a name" for one in found.dense_vectors)
            yield Finding("vectors", f"{called} is missing; there is {there or 'no dense vector'}", remedy)
        elif (real.size, real.distance) != (vector.size, vector.distance):
            yield Finding(
                "vectors",
                f"{called} has size {real.size} and distance {real.distance},"
                f" expected {vector.size} and {vector.distance}",
                remedy,
            )
    for name in expected.sparse_vectors:
        if name not in found.config.params.sparse_vectors:
            yield Finding("vectors", f"sparse vector `{name}` is missing", remedy)


def _check_payload_indexes(
    expected: CollectionExpectation, found: Collection, points: int
) -> Iterator[Finding]:
    for field, kind in expected.payload_indexes.items():
        index = found.payload_schema.get(field)
        if index is None:
            yield Finding(
                "payload_index",
                f"payload field `{field}` has no index, expected {kind}",
                "create it (PUT /collections/{name}/index)",
            )
        elif index.data_type != kind:
            yield Finding(
                "payload_index",
                f"the index of payload field `{field}` is {index.data_type}, expected {kind}",
                "delete it (DELETE /collections/{name}/index/{field}) and create it with the right type",
            )
        elif index.points == 0 and points > 0:
            yield Finding(
                "payload_index",
                f"the index of payload field `{field}` covers none of {points} points",
                "look whether the field is spelt so in the payload and has this type",
            )


def _check_index(expected: CollectionExpectation, found: Collection) -> Iterator[Finding]:
    wanted, percent = expected.indexed_min_percent, found.indexed_percent
    if wanted is not None and percent is not None and percent < wanted:
        yield Finding(
            "index",
            f"{percent:.3g} % of the vectors are in the index, expected at least {wanted:g} %",
            "wait while it is optimised; segments below `indexing_threshold` stay out of it by design",
        )

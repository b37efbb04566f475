"""When a collection wants optimizing: the decision that Qdrant's server takes and the bare engine does not.

The engine knows which segments it would rebuild but does not tell, so this estimates from its counts:
- vectors not in an index, in bytes, above `indexing_threshold` (KB; 0 switches indexing off), or
- points deleted or overwritten since the last run, above `deleted_threshold` and
  `vacuum_min_vector_number`, or
- a changed configuration.
A run that leaves such vectors unindexed (points that lack a vector, say) is not repeated for the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vectorwatch.demo.engine.configuration import list_dense_vectors, list_sparse_vectors

_ELEMENT_BYTES = {"float16": 2, "uint8": 1}


class Counts(Protocol):
    """What the engine tells of a shard."""

    @property
    def points_count(self) -> int: ...

    @property
    def indexed_vectors_count(self) -> int: ...


def count_unindexed_vectors(counts: Counts, configuration: Mapping[str, Any]) -> int:
    """Return how many vectors lie outside an index, at most: every point is taken to have every vector."""
    names = len(list_dense_vectors(configuration)) + len(list_sparse_vectors(configuration))
    return max(counts.points_count * names - counts.indexed_vectors_count, 0)


def measure_unindexed_bytes(counts: Counts, configuration: Mapping[str, Any]) -> int:
    """Return the size of the unindexed vectors, taking the largest vector for all."""
    sizes = [
        params["size"] * _ELEMENT_BYTES.get(params.get("datatype", ""), 4)
        for params in list_dense_vectors(configuration).values()
    ]
    return count_unindexed_vectors(counts, configuration) * max(sizes, default=0)


@dataclass
class Backlog:
    """What was written since the last optimization, with the times (seconds of any one clock)."""

    first_write_at: float | None = None
    last_write_at: float = 0.0
    touched_points: int = 0
    points_at_start: int = 0
    settled_bytes: int = 0
    reconfigured: bool = False
    blocked: bool = False
    """The last run failed: the next one waits for a write, which may have changed the cause."""
    examined: bool = False
    """Nothing changed since the optimizer looked: a thousand idle collections must cost nothing."""

    def note_write(self, now: float, points: int) -> None:
        """Count a write; `points` are those stored or overwritten, none for deletions."""
        self.first_write_at = now if self.first_write_at is None else self.first_write_at
        self.last_write_at = now
        self.touched_points += points
        self.blocked = False
        self.examined = False

    def is_pending(self, counts: Counts, configuration: Mapping[str, Any]) -> bool:
        """Return whether the engine should optimize, now or after some quiet."""
        if self.blocked:
            return False
        return (
            self.reconfigured
            or self._exceeds_indexing(counts, configuration)
            or self._exceeds_vacuum(counts, configuration)
        )

    def is_quiet(self, now: float, settle_seconds: float, patience_seconds: float) -> bool:
        """Return whether writes paused for `settle_seconds` or went on for `patience_seconds`."""
        if self.first_write_at is None:
            return True
        return now - self.last_write_at >= settle_seconds or now - self.first_write_at >= patience_seconds

    def settle(self, counts: Counts, configuration: Mapping[str, Any]) -> None:
        """Start anew after a run; `counts` are those of the shard as the run left it."""
        left = measure_unindexed_bytes(counts, configuration)
        self.settled_bytes = left if left > _read_threshold_bytes(configuration) else 0
        self.points_at_start = counts.points_count
        self.touched_points = 0
        self.first_write_at = None

    def _exceeds_indexing(self, counts: Counts, configuration: Mapping[str, Any]) -> bool:
        threshold = _read_threshold_bytes(configuration)
        if threshold == 0 or not _has_graph(configuration):
            return False
        return measure_unindexed_bytes(counts, configuration) - self.settled_bytes > threshold

    def _exceeds_vacuum(self, counts: Counts, configuration: Mapping[str, Any]) -> bool:
        optimizer = configuration["optimizer_config"]
        floor: int = optimizer["vacuum_min_vector_number"]
        share: float = optimizer["deleted_threshold"]
        dead = self.touched_points - (counts.points_count - self.points_at_start)
        total = max(counts.points_count, 0) + max(dead, 0)
        return dead > max(floor, share * total)


def _read_threshold_bytes(configuration: Mapping[str, Any]) -> int:
    return int(configuration["optimizer_config"]["indexing_threshold"]) * 1024


def _has_graph(configuration: Mapping[str, Any]) -> bool:
    default = configuration["hnsw_config"]
    for params in list_dense_vectors(configuration).values():
        hnsw = {**default, **(params.get("hnsw_config") or {})}
        if hnsw["m"] > 0 or hnsw.get("payload_m"):
            return True
    return False

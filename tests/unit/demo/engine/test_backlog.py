"""When a collection wants optimizing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from vectorwatch.demo.engine.backlog import Backlog, measure_unindexed_bytes
from vectorwatch.demo.engine.configuration import complete_configuration
from vectorwatch.demo.engine.fields import Fields


@dataclass
class Counts:
    points_count: int
    indexed_vectors_count: int = 0


def _configure(vectors: Any = None, threshold: int = 1, **more: Any) -> dict[str, Any]:
    body = {
        "vectors": vectors or {"size": 64, "distance": "Dot"},
        "optimizers_config": {"indexing_threshold": threshold, "vacuum_min_vector_number": 10},
    }
    return complete_configuration(Fields(body | more))


def test_unindexed_bytes_count_every_vector_outside_an_index() -> None:
    assert measure_unindexed_bytes(Counts(10, 4), _configure()) == 6 * 64 * 4
    halves = {"size": 64, "distance": "Dot", "datatype": "float16"}
    assert measure_unindexed_bytes(Counts(10, 4), _configure(halves)) == 6 * 64 * 2
    two = {"a": {"size": 2, "distance": "Dot"}, "b": {"size": 64, "distance": "Dot"}}
    assert measure_unindexed_bytes(Counts(10, 4), _configure(two)) == 16 * 64 * 4
    assert measure_unindexed_bytes(Counts(3, 9), _configure()) == 0


@pytest.mark.parametrize(("points", "pending"), [(4, False), (5, True)])
def test_indexing_is_due_above_the_threshold(points: int, pending: bool) -> None:
    assert Backlog().is_pending(Counts(points), _configure()) is pending


def test_threshold_zero_and_a_graph_without_edges_need_no_index() -> None:
    assert not Backlog().is_pending(Counts(10_000), _configure(threshold=0))
    assert not Backlog().is_pending(Counts(10_000), _configure(hnsw_config={"m": 0}))


def test_vectors_that_a_run_left_out_do_not_call_for_another() -> None:
    backlog, configuration = Backlog(), _configure()
    backlog.settle(Counts(100), configuration)
    assert not backlog.is_pending(Counts(100), configuration)
    assert backlog.is_pending(Counts(105), configuration)


def test_vacuum_is_due_after_many_deletions_or_overwrites() -> None:
    configuration = _configure(threshold=0)
    deleted = Backlog(points_at_start=100)
    assert not deleted.is_pending(Counts(81), configuration)
    assert deleted.is_pending(Counts(79), configuration)
    overwritten = Backlog(points_at_start=100)
    overwritten.note_write(0.0, 40)
    assert overwritten.is_pending(Counts(100), configuration)
    inserted = Backlog(points_at_start=100)
    inserted.note_write(0.0, 40)
    assert not inserted.is_pending(Counts(140), configuration)


def test_changed_configuration_is_due_and_a_failed_run_waits_for_a_write() -> None:
    backlog, configuration = Backlog(reconfigured=True), _configure()
    assert backlog.is_pending(Counts(0), configuration)
    backlog.blocked = True
    assert not backlog.is_pending(Counts(0), configuration)
    backlog.note_write(0.0, 1)
    assert backlog.is_pending(Counts(0), configuration)


def test_run_waits_for_quiet_but_not_for_ever() -> None:
    backlog = Backlog()
    assert backlog.is_quiet(0.0, settle_seconds=1, patience_seconds=10)
    for second in range(10):
        backlog.note_write(float(second), 1)
        assert not backlog.is_quiet(second + 0.5, settle_seconds=1, patience_seconds=10)
    assert backlog.is_quiet(10.0, settle_seconds=5, patience_seconds=10)
    assert backlog.is_quiet(10.0, settle_seconds=1, patience_seconds=100)

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vectorwatch.errors import Reason, TargetError
from vectorwatch.hnsw.client import Mode
from vectorwatch.hnsw.index import DenseVector, Index
from vectorwatch.hnsw.measure import Comparison, GroundTruth
from vectorwatch.hnsw.recall import Recall
from vectorwatch.hnsw.state import CollectionRecord, SubjectRecord, TargetState, Window
from vectorwatch.hnsw.subject import Subject
from vectorwatch.hnsw.trouble import Failure, Trouble

if TYPE_CHECKING:
    from .conftest import ManualClock

VECTOR = DenseVector("", 2, True, 8, 16, 0, 0, False)
SUBJECT = Subject("docs", VECTOR, "", (16,), (10,), 0.9)
INDEX = Index(10, 10, 1, "green", 0, (VECTOR,), {})


def make_record(clock: ManualClock, subject: Subject = SUBJECT, reuse_queries: int = 2) -> SubjectRecord:
    return SubjectRecord(subject, Window(200, 3600, clock), clock, reuse_queries)


def make_truth(number: int) -> GroundTruth:
    return GroundTruth(number, array("f", [1.0, 2.0]), (), 0.0)


def recall(hits: int) -> Comparison:
    return {(16, 10): Recall(hits, 10)}


def test_the_window_pools_different_queries(clock: ManualClock) -> None:
    window = Window(200, 3600, clock)
    window.add(1, recall(10))
    window.add(2, recall(5))
    pooled = window.pooled()[16, 10]
    assert (pooled.ratio, pooled.queries) == (0.75, 2)


def test_a_repeated_query_replaces_its_older_result(clock: ManualClock) -> None:
    window = Window(200, 3600, clock)
    for hits in (10, 8, 2):
        window.add(1, recall(hits))
    pooled = window.pooled()[16, 10]
    assert (pooled.ratio, pooled.queries, pooled.standard_error) == (0.2, 1, None)


def test_the_window_drops_the_longest_unrepeated_query(clock: ManualClock) -> None:
    window = Window(2, 3600, clock)
    window.add(1, recall(1))
    window.add(2, recall(2))
    window.add(1, recall(1))
    window.add(3, recall(3))
    assert window.pooled()[16, 10].ratio == pytest.approx(0.2)


def test_the_window_forgets_old_queries(clock: ManualClock) -> None:
    window = Window(200, 3600, clock)
    window.add(1, recall(10))
    clock.seconds += 3601
    assert window.pooled() == {}
    window.add(2, recall(0))
    assert window.pooled()[16, 10].ratio == 0


def test_counters_grow_and_never_shrink_with_the_window(clock: ManualClock) -> None:
    record = make_record(clock)
    for number in (1, 1, 2):
        record.add(make_truth(number), recall(9), reused=number == 1, timestamp=5.0)
        clock.seconds += 10_000
    assert (record.hits[16, 10], record.expected[16, 10]) == (27, 30)
    assert record.queries == {"fresh": 1, "reused": 2}


def test_a_record_is_stale_before_its_first_and_long_after_its_last_measurement(clock: ManualClock) -> None:
    record = make_record(clock)
    assert record.is_stale(600)
    record.add(make_truth(1), recall(9), reused=False, timestamp=5.0)
    clock.seconds += 600
    assert not record.is_stale(600)
    clock.seconds += 1
    assert record.is_stale(600)


def test_exact_searches_are_not_called_slow(clock: ManualClock) -> None:
    record = make_record(clock)
    record.observe(Mode.EXACT, None, 10, 4.0)
    record.observe(Mode.ANN, 16, 10, 0.01)
    assert (record.exact_seconds, record.slowest_seconds) == (4.0, 0.01)


def test_a_collection_keeps_its_measurements_until_the_vector_is_another(clock: ManualClock) -> None:
    collection = CollectionRecord("docs", clock)

    def update(subject: Subject) -> SubjectRecord:
        collection.update(INDEX, [subject], lambda given: make_record(clock, given))
        return collection.subjects[subject.key]

    first = update(SUBJECT)
    assert update(replace(SUBJECT, ef=(64,))) is first
    assert first.subject.ef == (64,)
    assert update(replace(SUBJECT, vector=replace(VECTOR, size=3))) is not first


def test_a_collection_that_is_gone_leaves_nothing(clock: ManualClock) -> None:
    collection = CollectionRecord("docs", clock)
    collection.update(INDEX, [SUBJECT], lambda given: make_record(clock, given))
    collection.forget()
    assert not collection.subjects
    assert collection.index is None


def check(state: TargetState) -> Reason | None:
    try:
        state.check()
    except TargetError as error:
        return error.reason
    return None


def test_a_target_is_up_only_after_a_good_recent_round(clock: ManualClock) -> None:
    state = TargetState(clock, late_after_seconds=100)
    assert check(state) is Reason.PARTIAL
    state.end_round(None, 5.0)
    assert check(state) is None
    clock.seconds += 101
    assert check(state) is Reason.TIMEOUT


def test_a_failed_round_gives_its_reason(clock: ManualClock) -> None:
    state = TargetState(clock, late_after_seconds=100)
    state.end_round(Failure(Trouble.AUTH, "HTTP status 401"), 5.0)
    with pytest.raises(TargetError, match="the last round failed: auth: HTTP status 401"):
        state.check()
    state.end_round(None, 6.0)
    assert check(state) is None


def test_collections_that_all_fail_alike_give_their_reason_and_some_give_partial(clock: ManualClock) -> None:
    state = TargetState(clock, late_after_seconds=100)
    first, second = state.update_collections(["a", "b"])
    state.end_round(None, 5.0)
    first.failure = Failure(Trouble.TIMEOUT, "slow")
    assert check(state) is Reason.PARTIAL
    second.failure = Failure(Trouble.TIMEOUT, "slow")
    assert check(state) is Reason.TIMEOUT
    second.failure = Failure(Trouble.DECODE, "HTML")
    assert check(state) is Reason.PARTIAL


def test_collections_that_are_no_longer_wanted_are_dropped(clock: ManualClock) -> None:
    state = TargetState(clock, late_after_seconds=100)
    (first, _) = state.update_collections(["a", "b"])
    (kept,) = state.update_collections(["a"])
    assert kept is first
    assert list(state.collections) == ["a"]

"""Recall, compared with its definition written a second time."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.hnsw.recall import RELATIVE_TOLERANCE, Recall, Scored, measure_recall, overtakes, pool

# Few different values, so that ties and duplicates are the rule.
coarse = st.integers(-6, 6).map(float)
scores = st.lists(coarse, min_size=0, max_size=12)
ks = st.integers(1, 8)
senses = st.booleans()


def ranked(values: list[float], larger_is_better: bool = True, first_id: int = 0) -> list[Scored]:
    points = [Scored(first_id + number, value) for number, value in enumerate(values)]
    return sorted(points, key=lambda point: point.score, reverse=larger_is_better)


def ann_benchmarks_hits(true_distances: list[float], run_distances: list[float], count: int) -> int:
    """After ann-benchmarks, plotting/metrics.py: distances of the run against the count-th true one."""
    t = sorted(true_distances)[count - 1] + 1e-3
    actual = 0
    for d in run_distances[:count]:
        if d <= t:
            actual += 1
    return actual


@given(data=st.data(), k=ks, larger_is_better=senses)
def test_it_is_the_definition_of_ann_benchmarks(data: st.DataObject, k: int, larger_is_better: bool) -> None:
    stored = data.draw(st.lists(coarse, min_size=k, max_size=30))
    exact = ranked(stored, larger_is_better)
    found = data.draw(st.permutations(exact))[: data.draw(st.integers(0, k))]
    sign = -1 if larger_is_better else 1
    expected = ann_benchmarks_hits(
        [sign * point.score for point in exact], [sign * point.score for point in found], k
    )
    assert measure_recall(found, exact[:k], k, larger_is_better=larger_is_better) == Recall(expected, k)


@given(values=st.lists(coarse, min_size=1, max_size=12), k=ks, larger_is_better=senses)
def test_an_exact_answer_has_a_recall_of_one(values: list[float], k: int, larger_is_better: bool) -> None:
    exact = ranked(values, larger_is_better)[:k]
    expected = min(k, len(values))
    assert measure_recall(exact, exact, k, larger_is_better=larger_is_better) == Recall(expected, expected)


@given(exact=scores, found=scores, k=ks, larger_is_better=senses)
def test_hits_stay_between_none_and_what_is_expected(
    exact: list[float], found: list[float], k: int, larger_is_better: bool
) -> None:
    recall = measure_recall(ranked(found, first_id=5), ranked(exact), k, larger_is_better=larger_is_better)
    if not exact:
        assert recall is None
    else:
        assert recall is not None
        assert recall.expected == min(k, len(exact))
        assert 0 <= recall.hits <= recall.expected


@given(exact=scores, found=scores, k=ks, larger_is_better=senses, seed=st.integers(0, 99))
def test_the_order_of_the_answers_does_not_matter(
    exact: list[float], found: list[float], k: int, larger_is_better: bool, seed: int
) -> None:
    shuffled_exact, shuffled_found = ranked(exact), ranked(found)
    Random(seed).shuffle(shuffled_exact)
    Random(seed).shuffle(shuffled_found)
    assert measure_recall(
        shuffled_found, shuffled_exact, k, larger_is_better=larger_is_better
    ) == measure_recall(ranked(found), ranked(exact), k, larger_is_better=larger_is_better)


@given(exact=scores, found=scores, k=ks)
def test_similarities_and_distances_mirror_each_other(exact: list[float], found: list[float], k: int) -> None:
    def negate(points: list[Scored]) -> list[Scored]:
        return [Scored(point.id, -point.score) for point in points]

    similar = measure_recall(ranked(found), ranked(exact), k, larger_is_better=True)
    distant = measure_recall(negate(ranked(found)), negate(ranked(exact)), k, larger_is_better=False)
    assert similar == distant


def test_another_of_several_equally_near_neighbours_is_a_hit() -> None:
    exact = [Scored("a", 0.9), Scored("b", 0.5)]
    found = [Scored("a", 0.9), Scored("c", 0.5)]
    assert measure_recall(found, exact, 2, larger_is_better=True) == Recall(2, 2)


def test_a_point_that_is_returned_twice_counts_once() -> None:
    exact = [Scored("a", 0.9), Scored("b", 0.5)]
    assert measure_recall([Scored("a", 0.9)] * 2, exact, 2, larger_is_better=True) == Recall(1, 2)


def test_a_worse_neighbour_is_no_hit() -> None:
    exact = [Scored("a", 1.0), Scored("b", 2.0)]
    found = [Scored("a", 1.0), Scored("c", 2.1)]
    assert measure_recall(found, exact, 2, larger_is_better=False) == Recall(1, 2)


def test_fewer_points_than_k_lower_what_is_expected() -> None:
    exact = [Scored("a", 0.9), Scored("b", 0.5)]
    assert measure_recall(exact[:1], exact, 10, larger_is_better=True) == Recall(1, 2)


def test_rounding_of_the_last_digits_is_no_miss_and_more_is() -> None:
    exact = [Scored("a", 100.0)]
    near, far = 100 * (1 - RELATIVE_TOLERANCE / 2), 100 * (1 - RELATIVE_TOLERANCE * 2)
    assert measure_recall([Scored("b", near)], exact, 1, larger_is_better=True) == Recall(1, 1)
    assert measure_recall([Scored("b", far)], exact, 1, larger_is_better=True) == Recall(0, 1)


def test_nothing_to_find_gives_no_recall() -> None:
    assert measure_recall([Scored("a", 1.0)], [], 1, larger_is_better=True) is None


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        measure_recall([], [], 0, larger_is_better=True)


@given(values=st.lists(coarse, min_size=1, max_size=12), k=ks, larger_is_better=senses, data=st.data())
def test_no_part_of_an_exact_answer_overtakes_it(
    values: list[float], k: int, larger_is_better: bool, data: st.DataObject
) -> None:
    exact = ranked(values, larger_is_better)
    found = data.draw(st.permutations(exact))[:k]
    assert not overtakes(found, exact, larger_is_better=larger_is_better)


@pytest.mark.parametrize(
    ("found", "larger_is_better"),
    [
        pytest.param([Scored("new", 0.95), Scored("a", 0.9)], True, id="a nearer point"),
        pytest.param([Scored("a", 0.9), Scored("new", 0.7)], True, id="a nearer second point"),
        pytest.param([Scored("a", 0.9), Scored("b", 0.5), Scored("c", 0.1)], True, id="more points"),
        pytest.param([Scored("new", 0.4), Scored("b", 0.5)], False, id="a smaller distance"),
    ],
)
def test_what_beats_an_exact_answer_overtakes_it(found: list[Scored], larger_is_better: bool) -> None:
    exact = [Scored("a", 0.9), Scored("b", 0.5)]
    assert overtakes(found, exact, larger_is_better=larger_is_better)


@given(st.lists(st.tuples(st.integers(0, 10), st.just(10)).map(lambda pair: Recall(*pair)), min_size=2))
def test_pooled_recall_has_the_mean_and_standard_error_of_its_queries(samples: list[Recall]) -> None:
    pooled = pool(samples)
    ratios = np.array([sample.hits / sample.expected for sample in samples])
    assert pooled is not None
    assert pooled.ratio == pytest.approx(ratios.mean())
    assert pooled.standard_error == pytest.approx(ratios.std(ddof=1) / math.sqrt(len(ratios)), abs=1e-12)
    assert pooled.queries == len(samples)


def test_pooled_recall_weighs_queries_by_what_they_expect() -> None:
    pooled = pool([Recall(1, 1), Recall(0, 9)])
    assert pooled is not None
    assert pooled.ratio == pytest.approx(0.1)


def test_one_query_has_no_standard_error_and_none_has_no_recall() -> None:
    single = pool([Recall(9, 10)])
    assert single is not None
    assert single.standard_error is None
    assert pool([]) is None

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.errors import Reason, TargetError
from vectorwatch.hnsw.answer import parse_count, parse_names, parse_scores, parse_vectors, server_seconds
from vectorwatch.hnsw.index import parse_index
from vectorwatch.hnsw.recall import Scored

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["result", "points", "id", "score", "vector", "config", "params", "vectors", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def points(*given: dict[str, Any]) -> dict[str, Any]:
    return {"result": {"points": list(given)}, "status": "ok", "time": 0.001}


def test_scores_are_read_with_ids_of_both_kinds() -> None:
    document = points({"id": 7, "version": 3, "score": 0.5}, {"id": "c0ffee", "score": 1})
    assert parse_scores(document) == (Scored(7, 0.5), Scored("c0ffee", 1.0))


@pytest.mark.parametrize(
    "point",
    [
        pytest.param({"id": 1}, id="no score"),
        pytest.param({"id": 1, "score": None}, id="null"),
        pytest.param({"id": 1, "score": "0.5"}, id="text"),
        pytest.param({"id": 1, "score": True}, id="a truth value"),
        pytest.param({"id": 1, "score": json.loads("1e999")}, id="infinite"),
        pytest.param({"id": 1, "score": 10**400}, id="beyond a float"),
        pytest.param({"id": 1, "score": float("nan")}, id="NaN"),
        pytest.param({"score": 0.5}, id="no id"),
        pytest.param({"id": -1, "score": 0.5}, id="a negative id"),
        pytest.param({"id": True, "score": 0.5}, id="a truth value as id"),
    ],
)
def test_a_point_without_a_usable_id_and_score_is_refused(point: dict[str, Any]) -> None:
    with pytest.raises(TargetError) as caught:
        parse_scores(points(point))
    assert caught.value.reason is Reason.DECODE


@pytest.mark.parametrize(
    ("vector", "name", "expected"),
    [
        pytest.param([1.0, 2.0], "", [[1.0, 2.0]], id="unnamed"),
        pytest.param({"": [1.0, 2.0], "sparse": {}}, "", [[1.0, 2.0]], id="unnamed beside a sparse one"),
        pytest.param({"text": [1, 2]}, "text", [[1, 2]], id="named"),
        pytest.param({"image": [1, 2]}, "text", [], id="a point that lacks it"),
        pytest.param(None, "text", [], id="no vector"),
    ],
)
def test_stored_vectors_are_found(vector: Any, name: str, expected: list[list[float]]) -> None:
    assert parse_vectors(points({"id": 1, "vector": vector}), name, 2) == expected


@pytest.mark.parametrize("vector", [[1.0], [1.0, "x"], [1.0, 1e300], [1.0, None], "ab", {"": 5}])
def test_a_vector_that_is_none_is_refused(vector: Any) -> None:
    with pytest.raises(TargetError):
        parse_vectors(points({"id": 1, "vector": vector}), "", 2)


def test_names_are_sorted() -> None:
    assert parse_names({"result": {"collections": [{"name": "b"}, {"name": "a"}]}}) == ["a", "b"]


@pytest.mark.parametrize("time", [None, "1", -1, 0, True, float("inf"), float("nan"), 10**400])
def test_a_time_that_is_none_is_not_believed(time: Any) -> None:
    assert server_seconds({"time": time}) is None


def test_the_servers_time_is_read() -> None:
    assert server_seconds({"time": 0.25}) == 0.25


def refusal_of(parse: Callable[[Any], Any], document: Any) -> Reason | None:
    try:
        parse(document)
    except TargetError as error:
        return error.reason
    return None


@given(anything)
def test_whatever_a_server_says_it_is_read_or_refused(document: Any) -> None:
    for parse in (
        parse_scores,
        parse_names,
        parse_count,
        parse_index,
        lambda given: parse_vectors(given, "a", 2),
    ):
        assert refusal_of(parse, document) in (None, Reason.DECODE)

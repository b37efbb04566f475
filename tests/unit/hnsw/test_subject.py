from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vectorwatch.hnsw.index import DenseVector, Index
from vectorwatch.hnsw.settings import HnswSettings
from vectorwatch.hnsw.subject import Subject, subjects_of

TEXT = DenseVector("text", 4, True, 16, 16, 0, 1024, False)
IMAGE = replace(TEXT, name="image")
INDEX = Index(10, 10, 1, "green", 0, (TEXT, IMAGE), {})


def build(settings: HnswSettings) -> list[Subject]:
    return list(subjects_of("docs", INDEX, settings.collections, settings))


def test_without_a_plan_every_dense_vector_is_measured(make_settings: Callable[..., HnswSettings]) -> None:
    subjects = build(make_settings(ef=[32], k=[1, 5], objective_ratio=0.9))
    assert [subject.key for subject in subjects] == [("docs", "text", ""), ("docs", "image", "")]
    assert {(s.ef, s.k, s.objective_ratio, s.largest_k) for s in subjects} == {((32,), (1, 5), 0.9, 5)}


def test_a_plan_chooses_vector_filter_and_searches(make_settings: Callable[..., HnswSettings]) -> None:
    conditions = {"must": [{"key": "lang", "match": {"value": "de"}}]}
    plan: dict[str, Any] = {"name": "docs", "vector": "image", "filter": conditions, "filter_name": "german"}
    plan |= {"ef": ["default"], "k": [3], "objective_ratio": 0.8, "quantization": {"rescore": True}}
    (subject,) = build(make_settings(collections=[plan, {"name": "docs", "vector": "absent"}]))
    assert subject.key == ("docs", "image", "german")
    assert (subject.ef, subject.k, subject.objective_ratio) == (("default",), (3,), 0.8)
    assert subject.filter == conditions
    assert subject.quantization == {"rescore": True}


@pytest.mark.parametrize(
    ("quantized", "chosen", "expected"),
    [
        (False, None, False),
        (True, None, True),
        (True, {"oversampling": 2.0}, True),
        (True, {"rescore": False}, True),
        (True, {"rescore": True}, False),
        (True, {"ignore": True}, False),
    ],
)
def test_scores_are_estimates_unless_the_original_vectors_decide(
    quantized: bool, chosen: dict[str, Any] | None, expected: bool
) -> None:
    subject = Subject("docs", replace(TEXT, quantized=quantized), "", (16,), (10,), 0.9, None, chosen)
    assert subject.scores_are_estimates is expected


def test_measurements_of_another_size_or_distance_are_not_comparable() -> None:
    subject = Subject("docs", TEXT, "", (16,), (10,), 0.9)
    assert subject.comparable_with(replace(subject, vector=replace(TEXT, m=64), ef=(8,)))
    assert not subject.comparable_with(replace(subject, vector=replace(TEXT, size=8)))
    assert not subject.comparable_with(replace(subject, vector=replace(TEXT, larger_is_better=False)))

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vectorwatch.demo.documents import DocumentMaker, Size
from vectorwatch.demo.questions import Question, Questions

SIZE = Size(documents=500, dimensions=16)


@pytest.fixture
def asked() -> list[Question]:
    questions = Questions(DocumentMaker(SIZE, seed=1), seed=2)
    return [questions.ask() for _ in range(20_000)]


def test_few_questions_are_asked_often_and_most_seldom(asked: list[Question]) -> None:
    counts = Counter(question.key for question in asked)
    first, second = counts["answer:0"], counts["answer:1"]
    assert first == pytest.approx(2 * second, rel=0.2)
    assert counts["answer:99"] < first / 20
    assert len(counts) > 1_000


def test_the_same_key_is_always_the_same_question(asked: list[Question]) -> None:
    by_key: dict[str, Question] = {}
    for question in asked:
        assert by_key.setdefault(question.key, question) == question


def test_some_questions_are_about_one_topic(asked: list[Question]) -> None:
    different = {question.key: question for question in asked}.values()
    filtered = sum(question.topic is not None for question in different)
    assert 0.05 < filtered / len(different) < 0.15


def test_the_same_seed_asks_the_same(asked: list[Question]) -> None:
    again = Questions(DocumentMaker(SIZE, seed=1), seed=2)
    assert [again.ask() for _ in range(50)] == asked[:50]


def test_vectors_have_the_documents_dimensions(asked: list[Question]) -> None:
    assert np.asarray(asked[0].vector).shape == (SIZE.dimensions,)

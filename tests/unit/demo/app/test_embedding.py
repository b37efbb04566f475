from __future__ import annotations

import numpy as np
import pytest

from vectorwatch.demo.app.embedding import HashedNgrams, find_words
from vectorwatch.demo.app.passages import make_exercises, make_passages


@pytest.fixture(scope="module")
def embedding() -> HashedNgrams:
    found = HashedNgrams()
    found.fit([passage.text for passage in make_passages()])
    return found


def test_the_same_text_has_the_same_vector_of_length_one(embedding: HashedNgrams) -> None:
    vector = embedding.embed("Recall of a graph")
    assert vector.shape == (embedding.dimensions,)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert np.array_equal(vector, embedding.embed("recall OF a graph!"))


def test_a_text_without_a_word_has_no_direction(embedding: HashedNgrams) -> None:
    assert not embedding.embed("?!").any()


def test_a_misspelt_word_stays_near(embedding: HashedNgrams) -> None:
    right, misspelt, other = (embedding.embed(text) for text in ("quantization", "quantisation", "snapshot"))
    assert right @ misspelt > right @ other + 0.3


def test_most_questions_find_their_passage_among_the_first_three(embedding: HashedNgrams) -> None:
    passages = np.stack([embedding.embed(passage.text) for passage in make_passages()])
    found = 0
    for exercise in make_exercises():
        first = np.argsort(-(passages @ embedding.embed(exercise.question)))[:3] + 1
        found += exercise.passage in first
    assert found / len(make_exercises()) > 0.75


def test_words_that_every_text_has_say_nothing() -> None:
    assert find_words("What is the Recall of my index-2?") == ["recall", "index", "2"]

from __future__ import annotations

import numpy as np
import pytest

from vectorwatch.demo.app.hypervectors import DIMENSIONS, Hypervectors


@pytest.fixture
def hypervectors() -> Hypervectors:
    return Hypervectors()


def test_a_vector_is_made_of_signs_and_the_same_in_every_process(hypervectors: Hypervectors) -> None:
    vector = hypervectors.encode("How do I fix recall")
    assert vector.shape == (DIMENSIONS,)
    assert set(np.unique(vector)) == {-1, 1}
    assert np.array_equal(vector, Hypervectors().encode("How do I fix recall"))


def test_the_same_question_in_other_words_around_it_is_found_again(hypervectors: Hypervectors) -> None:
    hypervectors.remember(hypervectors.encode("quick How do I fix recall"), "first")
    hypervectors.remember(hypervectors.encode("quick What is a snapshot"), "second")
    assert hypervectors.find_same(hypervectors.encode("quick how can I fix my recall?")) == "first"


def test_another_question_is_not_taken_for_it(hypervectors: Hypervectors) -> None:
    hypervectors.remember(hypervectors.encode("quick How do I fix recall"), "first")
    for other in ("quick How do I fix eviction", "agent How do I fix recall", "quick measure recall"):
        assert hypervectors.find_same(hypervectors.encode(other)) is None


def test_the_oldest_question_gives_way(hypervectors: Hypervectors) -> None:
    first = hypervectors.encode("What is recall")
    hypervectors.remember(first, "first")
    for number in range(128):
        hypervectors.remember(hypervectors.encode(f"question {number}"), str(number))
    assert hypervectors.find_same(first) is None


def test_words_are_forgotten_before_they_fill_the_memory(hypervectors: Hypervectors) -> None:
    for number in range(1_100):
        hypervectors.encode(f"word{number}")
    assert hypervectors.memory_bytes["item_memory"] == 1_000 * DIMENSIONS
    assert hypervectors.active == 1_000


def test_a_text_without_words_has_a_vector_too(hypervectors: Hypervectors) -> None:
    assert hypervectors.encode("?").shape == (DIMENSIONS,)


def test_a_broken_memory_is_refused_by_numpy(hypervectors: Hypervectors) -> None:
    hypervectors.broken = True
    with pytest.raises(ValueError, match="shape"):
        hypervectors.encode("What is recall")

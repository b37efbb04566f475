from __future__ import annotations

import random

import pytest

from vectorwatch.demo.app.articles import Source
from vectorwatch.demo.app.language_model import LARGE, SMALL, LanguageModel, ModelFailureError

SOURCES = [Source(number, "recall", text, 1.0) for number, text in enumerate(("One. ", "Two.", "Three."))]


def make_model(**options: float) -> LanguageModel:
    return LanguageModel(LARGE, 0.001, random.Random(1), **options)


async def test_it_says_what_the_first_sources_say_and_counts_tokens_of_all() -> None:
    told: list[str] = []
    generation = await make_model().write("What?", SOURCES, lambda: told.append("first token"))
    assert generation.text == "One.  Two."
    assert (generation.input_tokens, generation.output_tokens) == (5, 3)
    assert told == ["first token"]


async def test_without_a_source_it_says_so() -> None:
    generation = await make_model().write("What?", [], lambda: None)
    assert generation.text == "No passage answers that."


async def test_a_failure_comes_before_the_first_token() -> None:
    told: list[str] = []
    with pytest.raises(ModelFailureError, match=r"simulated-large is overloaded \(simulated\)"):
        await make_model(failure_ratio=1.0).write("What?", SOURCES, lambda: told.append("first token"))
    assert told == []


async def test_a_verbose_model_costs_more_tokens() -> None:
    model = make_model()
    model.verbosity = 20
    generation = await model.write("What?", SOURCES, lambda: None)
    assert (generation.input_tokens, generation.output_tokens) == (100, 60)


def test_the_names_say_that_they_are_simulated() -> None:
    assert all(name.startswith("simulated-") for name in (LARGE, SMALL))

"""How sure a recall is."""

from __future__ import annotations

import pytest

from vectorwatch.advise.evidence import margin_of


def test_fewer_queries_than_the_error_was_known_for_are_less_sure() -> None:
    whole = margin_of(0.01, queries=200, window=200, k=10, recall=0.9)
    part = margin_of(0.01, queries=50, window=200, k=10, recall=0.9)
    assert whole == pytest.approx(0.02)
    assert part == pytest.approx(0.04)


def test_without_any_miss_three_could_have_been() -> None:
    assert margin_of(0.0, queries=100, window=100, k=10, recall=1.0) == pytest.approx(0.003)


def test_without_a_standard_error_nothing_is_sure() -> None:
    assert margin_of(None, queries=1, window=1, k=10, recall=0.9) is None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.rules.markers import MarkerError, find_markers, put_numbers


def test_the_number_before_a_marker_is_replaced_and_nothing_else() -> None:
    text = "rate(x[5m]) > 0.5 # threshold: a\nand y1 < 2e3 # threshold: b\nand z > 3 # three\n"
    assert find_markers(text) == [("a", 0.5), ("b", 2000.0)]
    assert put_numbers(text, {"a": 7, "other": 1}) == text.replace("0.5", "7")
    assert put_numbers(text, {"a": -1.5, "b": 0.25}) == text.replace("0.5", "-1.5").replace("2e3", "0.25")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x > 1 + 2 # threshold: a", "holds 2 numbers"),
        ("x > y # threshold: a", "holds 0 numbers"),
        ("x[5m] # threshold: a", "holds 0 numbers"),
        ("x > 1 # threshold:a", "must be the end of a line"),
        ("x > 1 # thresholds: a", "must be the end of a line"),
        ("x > 1 # threshold: a and more", "must be the end of a line"),
        ('x{y="#1"} > 1 # threshold: a', "must be the end of a line"),
    ],
)
def test_a_marker_that_could_be_misread_is_refused(text: str, words: str) -> None:
    with pytest.raises(MarkerError, match=words):
        find_markers(text)


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_every_number_comes_back_as_it_went_in(number: float) -> None:
    assert find_markers(put_numbers("x > 1 # threshold: a", {"a": number})) == [("a", number)]

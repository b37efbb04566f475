from __future__ import annotations

import pytest

from vectorwatch.inbox.notification import digest_of, shorten, worst_severity


@pytest.mark.parametrize(
    ("values", "worst"),
    [
        (["warning", "critical", "info"], "critical"),
        (["none", "Warning"], "Warning"),
        (["P1", "low"], "low"),
        (["P1"], "P1"),
        (["", ""], None),
        ([], None),
    ],
)
def test_the_most_urgent_severity_is_named(values: list[str], worst: str | None) -> None:
    assert worst_severity(values) == worst


def test_the_order_of_keys_does_not_matter_for_a_digest() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1}) != digest_of({"a": 1, "b": [3]})


def test_a_long_text_is_cut_visibly() -> None:
    assert (shorten("abc", 3), shorten("abcd", 3)) == ("abc", "ab…")

"""Which payload values an index covers."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.integrity.answer import Point
from vectorwatch.integrity.sample import check_payload, find_values


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a", [1]),
        ("b.c", ["x"]),
        ("list", [1, 2]),
        ("deep[].c", [3, 4]),
        ("deep.c", [3, 4]),
        ("nothing", []),
        ("gone.c", []),
        ("a.c", []),
    ],
)
def test_values_are_found_at_a_payload_key(path: str, values: list[Any]) -> None:
    payload = {"a": 1, "b": {"c": "x"}, "list": [1, 2], "deep": [{"c": 3}, {"c": 4}, {}], "nothing": None}
    assert find_values(payload, path) == values


@pytest.mark.parametrize(
    ("kind", "fitting", "stranger"),
    [
        ("bool", True, 1),
        ("datetime", "2026-11-27T08:00:00Z", 1_790_000_000),
        ("float", 1, True),
        ("float", 1.5, "1.5"),
        ("geo", {"lon": 1.0, "lat": 2.0}, {"lat": 2.0}),
        ("integer", 1, 1.5),
        ("integer", 0, False),
        ("keyword", "x", 1),
        ("text", "x", {}),
        ("uuid", "a3bb189e-8bf9-3888-9912-ace4e6543002", "a3bb"),
    ],
)
def test_a_value_of_another_type_than_its_index_is_found(kind: str, fitting: Any, stranger: Any) -> None:
    points = [Point(id=1, payload={"f": fitting}), Point(id=2, payload={})]
    assert list(check_payload({"f": kind}, points)) == []
    [finding] = check_payload({"f": kind}, [*points, Point(id=3, payload={"f": stranger})])
    assert finding.problem == (f"1 of 2 sampled values of `f` are not of type {kind}, the first at point 3")


def test_types_that_this_version_does_not_know_are_not_judged() -> None:
    assert list(check_payload({"f": "hologram"}, [Point(id=1, payload={"f": 1})])) == []

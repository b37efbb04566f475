"""No caller can multiply series, and nothing personal becomes a label."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.instrument.labels import (
    OTHER,
    REFUSED_NAMES,
    AtMost,
    at_most,
    check_names,
    is_personal,
    one_of,
)


def test_a_closed_list_takes_its_values_and_other() -> None:
    limit = one_of("a", "b")
    assert [limit.refuse(value) for value in ("a", "b", OTHER)] == [""] * 3
    assert limit.refuse("c") == "not_allowed"


def test_the_first_values_are_taken_and_stay() -> None:
    limit = at_most(2)
    assert [limit.refuse(value) for value in ("a", "b", "c", "a", "b", OTHER)] == [
        "",
        "",
        "too_many",
        "",
        "",
        "",
    ]


def test_other_takes_no_place() -> None:
    limit = at_most(1)
    assert [limit.refuse(value) for value in (OTHER, "a", "b")] == ["", "", "too_many"]


@given(st.lists(st.text(alphabet="abcdefghij", min_size=1, max_size=3)))
def test_there_are_never_more_than_the_limit(values: list[str]) -> None:
    limit = at_most(5)
    taken = {value for value in values if not limit.refuse(value)}
    assert len(taken) <= 5


def test_threads_together_keep_the_limit() -> None:
    limit = at_most(10)
    taken: list[str] = []

    def take(number: int) -> None:
        taken.extend(
            value for value in (f"{number}-{count}" for count in range(100)) if not limit.refuse(value)
        )

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 10


@pytest.mark.parametrize(
    "value",
    [
        "someone@example.net",
        "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
        "10.0.0.1",
        "2001:db8::1",
        "[2001:DB8::1]:443",
        "fe80::1%eth0",
        "::1",
        "2001:db8:0:0:0:ff00:42:8329",
        "what is the best way to cook rice",
        "x" * 101,
    ],
)
def test_what_is_personal_or_a_text_is_refused(value: str) -> None:
    assert is_personal(value)
    assert at_most(5).refuse(value) == "personal"


@pytest.mark.parametrize(
    "value",
    ["text-embedding-3-small", "gpt-4o 2026", "v1.2.3", "/items/{item}", "12:30:45", "std::vector", ""],
)
def test_names_of_things_are_not_personal(value: str) -> None:
    assert not is_personal(value)


def test_values_of_the_code_are_not_looked_at() -> None:
    route = "/" + "/".join(f"{{parameter_{number}}}" for number in range(20))
    assert AtMost(1, of_code=True).refuse(route) == ""


@pytest.mark.parametrize("name", sorted(REFUSED_NAMES))
def test_a_label_that_is_a_person_or_a_text_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"things_total: label `{name}` would make a series of each person"):
        check_names("things_total", {name: at_most(1)})

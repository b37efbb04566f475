"""Counting each document once out of overlapping searches."""

from __future__ import annotations

from vectorwatch.logs.search import OTHER, Counts
from vectorwatch.logs.tally import Tally

from .played_index import count


def shown(tally: Tally) -> dict[tuple[str, ...], float]:
    tally.values()
    return dict(tally.values())


ERROR = ("application", "error", "search")
INFO = ("application", "info", "search")


def test_what_was_there_at_the_beginning_is_not_counted() -> None:
    tally = Tally(10)
    tally.begin(count([INFO] * 40), 0)
    assert tally.values() == {("search", "info", "application"): 0}
    tally.add(count([INFO] * 43), 15)
    assert tally.values() == {("search", "info", "application"): 3}


def test_a_new_series_is_0_once() -> None:
    tally = Tally(10)
    tally.begin(Counts(), 0)
    tally.add(count([ERROR] * 5), 15)
    assert tally.values() == {("search", "error", "application"): 0}
    assert tally.values() == {("search", "error", "application"): 5}


def test_a_move_of_the_start_counts_nothing_twice_and_loses_nothing() -> None:
    tally = Tally(10)
    tally.begin(count([INFO] * 2), 0)
    tally.add(count([INFO] * 7), 600)
    tally.move(count([INFO] * 3), 600)
    tally.add(count([INFO] * 3), 615)
    assert shown(tally) == {("search", "info", "application"): 5}
    tally.add(count([INFO] * 4), 630)  # one that became searchable late
    assert shown(tally) == {("search", "info", "application"): 6}


def test_deleted_documents_are_not_taken_back() -> None:
    tally = Tally(10)
    tally.begin(Counts(), 0)
    tally.add(count([INFO] * 9), 15)
    tally.add(count([INFO] * 4), 30)
    assert shown(tally) == {("search", "info", "application"): 9}
    tally.add(count([INFO] * 10), 45)
    assert shown(tally) == {("search", "info", "application"): 10}


def test_services_beyond_the_limit_are_one() -> None:
    tally = Tally(2)
    tally.begin(Counts(), 0)
    loud = [*([("application", "info", "a")] * 5), *([("application", "info", "b")] * 4)]
    quiet = [("application", "info", "c"), ("application", "error", "d"), ("application", "error", "a")]
    tally.add(count([*loud, *quiet]), 15)
    assert shown(tally) == {
        ("a", "info", "application"): 5,
        ("b", "info", "application"): 4,
        (OTHER, "info", "application"): 1,
        ("a", "error", "application"): 1,
        (OTHER, "error", "application"): 1,
    }


def test_a_service_that_the_answer_leaves_out_stays_and_the_rest_grows_by_its_own() -> None:
    tally = Tally(2)
    tally.begin(Counts(), 0)
    tally.add(count([("application", "info", "a"), ("application", "info", "b")]), 15)
    louder = Counts(
        total=12,
        datasets={"application": 12},
        levels={("application", "info"): 12},
        services={("application", "info", "c"): 10},  # a and b are no longer among the loudest
    )
    tally.add(louder, 30)
    found = shown(tally)
    assert found["a", "info", "application"] == found["b", "info", "application"] == 1
    assert found[OTHER, "info", "application"] == 10
    assert sum(found.values()) == 12


def test_a_service_that_was_silent_for_a_day_gives_its_place_up() -> None:
    tally = Tally(1)
    tally.begin(Counts(), 0)
    tally.add(count([("application", "info", "old")]), 15)
    tally.move(Counts(), 600)
    tally.add(count([("application", "info", "new")]), 700)
    assert shown(tally)[OTHER, "info", "application"] == 1
    tally.move(Counts(), 15 + 24 * 3600 + 1)
    tally.add(count([("application", "info", "new")]), 15 + 24 * 3600 + 20)
    found = shown(tally)
    assert ("old", "info", "application") not in found
    assert found["new", "info", "application"] == 1


def test_datasets_beyond_the_limit_are_one() -> None:
    tally = Tally(1)
    tally.begin(Counts(), 0)
    tally.add(count([(f"set{number:02}", "info", "a") for number in range(30)]), 15)
    found = shown(tally)
    assert found[OTHER, OTHER, OTHER] == 10
    assert sum(found.values()) == 30


def test_a_service_that_is_called_other_shares_that_series() -> None:
    tally = Tally(1)
    tally.begin(Counts(), 0)
    tally.add(count([("application", "info", OTHER), ("application", "info", "a"), INFO]), 15)
    assert sum(shown(tally).values()) == 3
    assert shown(tally)[OTHER, "info", "application"] == 2

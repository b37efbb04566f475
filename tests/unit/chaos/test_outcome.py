"""What was found is kept trial by trial, and written as a page."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.declared import ACCEPTED, TRIALS, is_accepted
from tests.chaos.outcome import Loss, Outcome, keep_outcome, read_outcomes
from tests.chaos.table import UNTRIED, write_line, write_table
from tests.chaos.trial import Kind, Trial

NOW = "2026-01-02 03:04 UTC"


def make_outcome(name: str, **more: object) -> Outcome:
    """Return an outcome of a service that was well again."""
    outcome = Outcome(name, NOW, healed_seconds=3.4, machine="Linux, 2 cores", load=1.5)
    for field, value in more.items():
        setattr(outcome, field, value)
    return outcome


def find(name: str) -> Trial:
    """Return the trial of this name."""
    return next(trial for trial in TRIALS if trial.name == name)


def test_a_run_that_ended_early_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    first = make_outcome("inbox-crashed", lost=[Loss("notification", "inbox", 2, 1.5)])
    keep_outcome(path, first)
    keep_outcome(path, make_outcome("inbox-killed"))
    keep_outcome(path, make_outcome("inbox-killed", pending_seconds=26.0))
    found = read_outcomes(path)
    assert found == {
        "inbox-crashed": first,
        "inbox-killed": make_outcome("inbox-killed", pending_seconds=26.0),
    }


def test_a_young_silence_may_be_lost_by_the_alertmanager_that_was_broken_and_by_no_other() -> None:
    oldest = ACCEPTED["silence"].oldest_seconds
    young, old = (Loss("silence", "alertmanager", 1, seconds) for seconds in (oldest, oldest + 0.1))
    assert is_accepted(young, find("alertmanager-crashed"))
    assert is_accepted(young, find("all-crashed"))
    assert not is_accepted(old, find("alertmanager-crashed"))
    assert not is_accepted(young, find("inbox-crashed"))
    assert not is_accepted(Loss("notification", "inbox", 1, 0.0), find("inbox-crashed"))


def test_a_line_names_what_is_wrong_and_what_is_lost() -> None:
    outcome = make_outcome("inbox-filled", pending_seconds=12.0, fired_seconds=72.0, failures=["not told"])
    outcome.lost = [Loss("notification", "inbox", 2, 1.5)]
    lines = write_line(outcome).splitlines()
    assert lines[0].startswith("  FAILED inbox-filled")
    assert "begins 12 s, fires 72 s" in lines[0]
    assert "lost 2 × notification" in lines[0]
    assert [line.strip() for line in lines[1:]] == ["not told"]


def test_a_page_says_of_what_was_not_tried_that_it_was_not() -> None:
    page = write_table({"inbox-crashed": make_outcome("inbox-crashed")})
    assert f"| `inbox` | 3 s | {UNTRIED} | nothing |" in page
    assert f"- `inbox-killed`: {UNTRIED}" in page
    assert f"- `inbox-crashed`: {UNTRIED}" not in page
    assert "## Not as it should be" not in page


def test_a_page_says_what_went_wrong() -> None:
    loss = [Loss("notification", "inbox", 2, 1.5)]
    page = write_table({"inbox-crashed": make_outcome("inbox-crashed", lost=loss, failures=["2 lost"])})
    assert "- `inbox-crashed`: 2 lost" in page
    assert "- **notification**, at most 2 s old: a defect." in page


def test_only_what_nobody_mends_must_heal_itself() -> None:
    kinds = {kind for kind in Kind if Trial("inbox", kind).heals_itself}
    assert kinds == {Kind.CRASHED, Kind.STARVED, Kind.ALL_CRASHED}

"""The cases for a real Filebeat are well formed, and follow from the rules that their README names."""

from __future__ import annotations

from collections import Counter

import pytest

from .cases import FILES, VERBS, Case, predict, read_cases

CASES = read_cases()


def test_there_is_a_case_for_each_way_in_which_lines_get_lost_or_come_twice() -> None:
    assert {"multi-line", "rotation", "truncation", "restart", "logstash-away"} <= {
        case.name for case in CASES
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_a_case_is_well_formed(case: Case) -> None:
    for step in case.steps:
        assert step.verb in VERBS
        if step.verb == "await":
            assert 0 < int(step.subject) <= len(case.events)
        elif step.subject:
            assert step.subject in FILES
            assert (step.to in FILES) is (step.verb == "rename")
            assert bool(step.lines) is (step.verb in ("append", "write"))
    assert case.steps[-1].verb == "await"
    assert int(case.steps[-1].subject) == len(case.events)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_what_a_case_expects_follows_from_the_configuration(case: Case) -> None:
    assert Counter(predict(case)) == Counter(case.events)

"""The committed fault matrix is of the declared faults, of rules that exist, and within its bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.declared import FAULTS
from tests.faults.fault import Fault
from tests.faults.rules import read_rules

_ROW = re.compile(
    r"\| `(?P<fault>\S+)` \| (?P<what>.+?) \| \[(?P<alert>\w+)\]\(../runbooks/(?P=alert)\.md\)"
    r" \((?P<severity>\w+)\) \| (?P<fired>\d+) s \((?P<fire_bound>\d+)\) \| (?P<told>.+?)"
    r" \| (?P<ended>\d+) s \((?P<end_bound>\d+)\) \| (?P<end_told>.+?) \|"
)
_COMPANION = re.compile(r"\| `(\S+)` \| \[(\w+)\]\(../runbooks/\2\.md\) \((\w+)\) \| \d+ s \| (.*)\|")


@dataclass(frozen=True)
class Row:
    """One row of the matrix."""

    fault: str
    what: str
    alert: str
    severity: str
    fired: str
    fire_bound: str
    told: str
    ended: str
    end_bound: str
    end_told: str


@pytest.fixture(scope="module")
def page() -> str:
    path = Path(__file__).parents[2] / "docs" / "reference" / "fault-matrix.md"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(page: str) -> list[Row]:
    found = [match.groupdict() for match in map(_ROW.fullmatch, page.splitlines()) if match]
    return [Row(**one) for one in found]


def list_tried(page: str) -> list[Fault]:
    """Return the declared faults but those that the page says were not tried yet."""
    untried = set(re.findall(r"^- `(\S+)`: ", page, re.MULTILINE))
    assert untried <= {fault.name for fault in FAULTS}
    return [fault for fault in FAULTS if fault.name not in untried]


def test_at_least_twenty_faults_were_tried_and_no_name_stands_twice(page: str) -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert len(list_tried(page)) >= 20


def test_every_alert_of_a_fault_exists(repository: Path) -> None:
    rules = read_rules(repository)
    expected = {(one.alert, one.severity) for fault in FAULTS for one in fault.expected}
    company = {(alert, "critical") for fault in FAULTS for alert in fault.company}
    assert expected | company <= set(rules)


def test_every_fault_stands_in_the_matrix_as_it_is_declared(page: str, rows: list[Row]) -> None:
    declared = [
        (fault.name, fault.what, one.alert, one.severity)
        for fault in list_tried(page)
        for one in fault.expected
    ]
    assert [(row.fault, row.what, row.alert, row.severity) for row in rows] == declared


def test_the_bounds_are_those_of_the_rules_and_were_kept(
    page: str, rows: list[Row], repository: Path
) -> None:
    rules = read_rules(repository)
    bounds = [
        (one.fire_bound_seconds(rule), one.end_bound_seconds(rule))
        for fault in list_tried(page)
        for one in fault.expected
        for rule in [rules[one.alert, one.severity]]
    ]
    assert [(int(row.fire_bound), int(row.end_bound)) for row in rows] == bounds
    late = [
        row for row in rows if int(row.fired) > int(row.fire_bound) or int(row.ended) > int(row.end_bound)
    ]
    assert late == []


def test_every_alert_was_told_unless_it_cannot_be(rows: list[Row]) -> None:
    untold = {(fault.name, one.alert): one.untold for fault in FAULTS for one in fault.expected}
    for row in rows:
        reason = untold[row.fault, row.alert]
        for told in (row.told, row.end_told):
            assert told == reason if reason else re.fullmatch(r"\d+ s", told), row


def test_a_critical_alert_that_fired_beside_has_its_reason(page: str) -> None:
    company = {fault.name: fault.company for fault in FAULTS}
    found = [match.groups() for match in map(_COMPANION.fullmatch, page.splitlines()) if match]
    assert found
    for fault, alert, severity, reason in found:
        assert severity != "critical" or reason.strip() == company[fault][alert]


def test_the_healthy_run_is_told(page: str) -> None:
    minutes = re.search(r"In a demo of (\d+) minutes nothing fired", page)
    assert minutes
    assert int(minutes[1]) >= 20

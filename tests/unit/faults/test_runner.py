"""The parts of `make faults` that need no demo: times out of rules, shares, lines, and what ends badly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crew import Crew
from tests.faults.declared import FAULTS, find_fault
from tests.faults.fault import SCRAPE_SECONDS, SLACK_SECONDS, Expected
from tests.faults.healthy import NAME
from tests.faults.history import Fired
from tests.faults.outcome import Outcome, Sighting
from tests.faults.results import name_file, read_outcome, read_results, write_outcome, write_results
from tests.faults.rules import Rule, read_rules
from tests.faults.table import write_line, write_table
from vectorwatch.demo.interruption import Interruption, InterruptionError


def make_outcome(name: str, seconds: float | None = 70.0) -> Outcome:
    """Return an outcome in which each expected alert fired, was told, ended and was told again."""
    expected = find_fault(name).expected if name != NAME else ()
    sightings = [
        Sighting(one.alert, one.severity, 135, 75, one.untold, seconds, seconds, seconds, seconds)
        for one in expected
    ]
    return Outcome(name, "2026-01-02 03:04 UTC", sightings, seconds=200.0, machine="Linux, 2 cores", load=1.5)


def test_the_longest_times_of_the_rules_of_a_name_count(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus" / "rules"
    folder.mkdir(parents=True)
    (folder / "cache.yml").write_text(
        "groups:\n"
        "- {name: a, rules: [{alert: CacheDown, expr: up, for: 1m, labels: {severity: critical}}]}\n"
        "- {name: b, interval: 1m, rules: ["
        "{alert: CacheDown, expr: up, for: 5m, keep_firing_for: 10m, labels: {severity: warning}}]}\n"
    )
    rules = read_rules(tmp_path)
    assert rules == {
        ("CacheDown", "critical"): Rule(15, 60, 0),
        ("CacheDown", "warning"): Rule(60, 300, 600),
    }


def test_a_bound_is_what_the_configuration_asks_for_and_slack() -> None:
    expected = Expected("CacheDown", "critical", lag_seconds=10, fades_seconds=300)
    rule = Rule(interval_seconds=60, for_seconds=120, keep_seconds=600)
    assert expected.fire_bound_seconds(rule) == SCRAPE_SECONDS + 10 + 60 + 120 + SLACK_SECONDS
    assert expected.end_bound_seconds(rule) == SCRAPE_SECONDS + 300 + 60 + 600 + SLACK_SECONDS


def test_an_expected_alert_is_looked_for_by_its_labels() -> None:
    expected = Expected("TargetDown", "warning", where={"job": "inbox"})
    assert expected.selector == (
        'ALERTS{alertname="TargetDown", alertstate="firing", severity="warning", job="inbox"}'
    )


def test_outcomes_are_kept_and_read_again(tmp_path: Path) -> None:
    outcome = make_outcome("cache-killed")
    outcome.also_fired = [Fired("TargetFlapping", "warning", 12.0)]
    write_results(tmp_path / "build" / "results.json", {outcome.name: outcome})
    assert read_results(tmp_path / "build" / "results.json") == {outcome.name: outcome}
    write_outcome(tmp_path, outcome)
    assert name_file(tmp_path, outcome.name).is_file()
    assert read_outcome(outcome.as_json()) == outcome


def test_a_line_names_all_that_is_wrong() -> None:
    outcome = make_outcome("cache-killed", None)
    outcome.failures = [
        "CacheDown (critical) must fire within 135 s: never",
        "no firing message of CacheDown",
    ]
    line = write_line(outcome)
    assert line.startswith("  FAILED cache-killed")
    assert "CacheDown never of 135" in line
    assert [part.strip() for part in line.splitlines()[1:]] == outcome.failures


def test_the_page_has_every_fault_and_the_reason_of_a_critical_companion() -> None:
    results = {name: make_outcome(name) for name in [*(fault.name for fault in FAULTS), NAME]}
    results["qdrant-killed"].also_fired = [Fired("HighErrorRate", "critical", 90.0)]
    page = write_table(results)
    for fault in FAULTS:
        assert f"| `{fault.name}` | {fault.what} |" in page
    reason = find_fault("qdrant-killed").company["HighErrorRate"]
    assert f"| [HighErrorRate](../runbooks/HighErrorRate.md) (critical) | 90 s | {reason} |" in page


def test_the_page_says_what_was_not_tried() -> None:
    results = {name: make_outcome(name) for name in ("cache-killed", NAME)}
    page = write_table(results)
    assert "- `cache-frozen`: " in page
    assert "- `cache-killed`: " not in page


def test_a_trial_whose_process_ends_is_a_failure_with_its_last_word(tmp_path: Path) -> None:
    noted: list[Outcome] = []
    Crew(tmp_path, [], Interruption()).run([["no-such-fault"]], noted.append)
    [outcome] = noted
    assert outcome.name == "no-such-fault"
    assert "no fault is called `no-such-fault`" in outcome.failures[0]


def test_an_interrupted_crew_leaves_no_process(tmp_path: Path) -> None:
    interruption = Interruption()
    interruption.ask()
    crew = Crew(tmp_path, [], interruption)
    with pytest.raises(InterruptionError):
        crew.run([["cache-killed"]], lambda _: None)
    assert not name_file(tmp_path, "cache-killed").exists()

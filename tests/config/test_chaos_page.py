"""The committed results of chaos are those of the declared trials, and the page is made of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.chaos.declared import NO_NETWORK, NOT_TRIED, OWN_VOLUMES, ROUNDS, TRIALS, VOLUMES
from tests.chaos.outcome import RESULTS, keep_outcome, read_outcomes
from tests.chaos.table import write_table
from tests.chaos.trial import Kind
from tests.faults.rules import read_rules


@pytest.fixture(scope="module")
def page() -> str:
    path = Path(__file__).parents[2] / "docs" / "reference" / "chaos.md"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, object]]:
    path = Path(__file__).parents[2] / "docker-compose.yml"
    services: dict[str, dict[str, object]] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return services


def test_every_long_running_service_is_tried_or_named_with_the_reason(
    compose: dict[str, dict[str, object]], page: str
) -> None:
    running = {name for name, body in compose.items() if body.get("restart") != "no"}
    tried = {trial.service for trial in TRIALS if trial.service}
    assert tried | NOT_TRIED.keys() == running
    assert not tried & NOT_TRIED.keys()
    for service, reason in NOT_TRIED.items():
        assert f"- `{service}`: {reason}" in page


def test_every_service_is_tried_in_every_way_that_it_can_be(compose: dict[str, dict[str, object]]) -> None:
    names = [trial.name for trial in TRIALS]
    assert len(set(names)) == len(names) == sum(map(len, ROUNDS))
    services = sorted({trial.service for trial in TRIALS if trial.service})
    for kind in (Kind.CRASHED, Kind.STARVED, Kind.KILLED, Kind.PAUSED):
        assert sorted(trial.service for trial in TRIALS if trial.kind is kind) == services
    cut = {trial.service for trial in TRIALS if trial.kind is Kind.CUT}
    assert cut == set(services) - set(NO_NETWORK)
    assert {name for name in services if compose[name].get("network_mode") == "none"} == set(NO_NETWORK)
    assert {trial.service for trial in TRIALS if trial.kind is Kind.FILLED} == set(VOLUMES)
    assert not VOLUMES.keys() & set(OWN_VOLUMES)


def test_every_data_volume_is_filled(compose: dict[str, dict[str, object]]) -> None:
    written = {
        (name, str(volume).partition(":")[0])
        for name, body in compose.items()
        if name not in NOT_TRIED and body.get("restart") != "no"
        if isinstance(volumes := body.get("volumes", []), list)
        for volume in volumes
        if re.match(r"\w+_data:[^:]+$", str(volume))
    }
    filled = set(VOLUMES.items())
    assert written - filled <= {(name, f"{name}_data") for name in OWN_VOLUMES} | {("setup", "jaeger_data")}
    assert filled <= written


def test_every_expected_alert_exists(repository: Path) -> None:
    rules = read_rules(repository)
    expected = {(trial.expected.alert, trial.expected.severity) for trial in TRIALS if trial.expected}
    assert expected <= set(rules)
    assert all(trial.expected or trial.silent for trial in TRIALS)


def test_who_watches_or_tells_is_not_broken_together_with_what_it_watches() -> None:
    for one in ROUNDS:
        if len(one) > 1 and not one[0].heals_itself and one[0].kind is not Kind.FILLED:
            services = {trial.service for trial in one}
            assert "prometheus" not in services
            assert not (services & {"alertmanager", "inbox", "logs-exporter"}) or len(services) <= 3


def test_every_declared_trial_was_made_and_none_went_wrong() -> None:
    outcomes = read_outcomes(RESULTS)
    again = "python -m tests.chaos makes what is missing; remove the lines of what is no longer declared"
    assert sorted(outcomes) == [trial.name for trial in TRIALS], again
    assert {name: one.failures for name, one in outcomes.items() if one.failures} == {}


def test_the_page_is_made_of_the_results(page: str) -> None:
    assert page == write_table(read_outcomes(RESULTS)), "python -m tests.chaos --table writes it anew"


def test_a_result_is_one_line(tmp_path: Path) -> None:
    copy = tmp_path / RESULTS.name
    copy.write_text(RESULTS.read_text(encoding="utf-8"), encoding="utf-8")
    keep_outcome(copy, read_outcomes(copy)[TRIALS[0].name])
    assert copy.read_text(encoding="utf-8") == RESULTS.read_text(encoding="utf-8")
    assert len(copy.read_text(encoding="utf-8").splitlines()) == len(TRIALS) + 2

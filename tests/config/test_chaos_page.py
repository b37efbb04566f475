"""The committed page of chaos is of the declared trials, those of services and of rules that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chaos.declared import ACCEPTED, NO_NETWORK, NOT_TRIED, OWN_VOLUMES, ROUNDS, TRIALS, VOLUMES
from tests.chaos.table import UNTRIED
from tests.chaos.trial import WHAT, Kind
from tests.faults.rules import read_rules

_CELLS = re.compile(r"\| `(\S+)` \|(.+)\|")
_SECTIONS = {
    "Crashed, or out of memory": (Kind.CRASHED, Kind.STARVED),
    "The disk is full": (Kind.FILLED,),
    "Killed, paused, or cut off": (Kind.KILLED, Kind.PAUSED, Kind.CUT),
}


@pytest.fixture(scope="module")
def page() -> str:
    path = Path(__file__).parents[2] / "docs" / "reference" / "chaos.md"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, object]]:
    path = Path(__file__).parents[2] / "docker-compose.yml"
    services: dict[str, dict[str, object]] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return services


def read_sections(page: str) -> Iterator[tuple[str, str]]:
    """Return heading and text of each section."""
    for section in page.split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        yield heading, text


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


@pytest.mark.parametrize("heading", _SECTIONS)
def test_the_page_has_a_row_of_every_service_that_was_tried_so(page: str, heading: str) -> None:
    rows = _CELLS.findall(dict(read_sections(page))[heading])
    kinds = _SECTIONS[heading]
    assert [name for name, _ in rows] == sorted({one.service for one in TRIALS if one.kind in kinds})
    for kind in kinds:
        assert WHAT[kind] in page


def test_what_was_not_tried_yet_is_named(page: str) -> None:
    untried = set(re.findall(rf"^- `(\S+)`: {UNTRIED}$", page, re.MULTILINE))
    assert untried <= {trial.name for trial in TRIALS}
    tables = page.partition("## Not tried")[0]
    assert (UNTRIED in tables) == bool(untried)


def test_most_trials_were_made_and_none_went_wrong(page: str) -> None:
    assert len(re.findall(rf"^- `\S+`: {UNTRIED}$", page, re.MULTILINE)) < len(TRIALS) / 10
    assert "## Not as it should be" not in page


def test_every_loss_has_its_reason(page: str) -> None:
    text = dict(read_sections(page))["What was lost"]
    for kind, reason in re.findall(r"^- \*\*(.+?)\*\*, at most -?\d+ s old: (.+)\.$", text, re.MULTILINE):
        assert reason == ACCEPTED[kind].reason

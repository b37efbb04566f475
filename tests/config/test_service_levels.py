"""The committed rules are those that the service levels make."""

from __future__ import annotations

from pathlib import Path

import yaml

from vectorwatch.rules.burn_rates import write_rules
from vectorwatch.rules.service_levels import join_service_levels, read_service_levels


def test_the_rules_are_made_from_the_levels(repository: Path) -> None:
    levels = read_service_levels(repository / "prometheus" / "service-levels.yml", "service-levels.yml")
    committed = (repository / "prometheus" / "rules" / "service-levels.yml").read_text(encoding="utf-8")
    assert committed == write_rules(join_service_levels(levels)), "run `make rules` and read the diff"


def test_what_each_level_counts_is_tested(repository: Path) -> None:
    levels = yaml.safe_load((repository / "prometheus" / "service-levels.yml").read_text(encoding="utf-8"))
    tests = (repository / "prometheus" / "tests" / "service-levels_test.yml").read_text(encoding="utf-8")
    for name in levels:
        assert f"'{{service_level=\"{name}\"}}', value: " in tests, name

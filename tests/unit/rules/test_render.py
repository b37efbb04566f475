from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import RULES


@pytest.mark.parametrize(
    "mine", ["", "# nothing yet\n", "thresholds:\noverrides:\nalerts:\n", "thresholds: {}\n"]
)
def test_a_user_who_sets_nothing_gets_the_same_bytes(render: Callable[[str], str], mine: str) -> None:
    assert render(mine) == RULES


def test_a_number_for_all_changes_that_number_alone(render: Callable[[str], str]) -> None:
    rendered = render("thresholds: {memory_bytes: 250, error_ratio: 0.1}")
    expected = RULES.replace("> 100 #", "> 250 #").replace("> 0.05 #", "> 0.1 #")
    assert rendered == expected


def rule(text: str, name: str) -> Mapping[str, Any]:
    return next(one for one in yaml.safe_load(text)["groups"][0]["rules"] if one.get("alert") == name)


def test_an_alert_gets_another_duration_and_severity(render: Callable[[str], str]) -> None:
    changed = rule(
        render("alerts: {MemoryHigh: {for: 15m, keep_firing_for: 1h, severity: info}}"), "MemoryHigh"
    )
    before = rule(RULES, "MemoryHigh")
    assert changed == {
        **before,
        "for": "15m",
        "keep_firing_for": "1h",
        "labels": {**before["labels"], "severity": "info"},
    }


def test_an_alert_that_is_switched_off_is_gone_and_the_others_stay(render: Callable[[str], str]) -> None:
    rendered = yaml.safe_load(render('alerts: {ErrorsHigh: {enabled: false, because: "not ours"}}'))
    assert [one.get("alert") for one in rendered["groups"][0]["rules"]] == [None, "MemoryHigh"]


# ── What the rendered rules say of real series ───────────────────────────────────────────────────────────

SERIES = {
    "a:1": {"docs": 150, "logs": 150},
    "big:1": {"docs": 150, "logs": 450},
    "$1": {"docs": 150},
}
OVERRIDDEN = """
overrides:
  - {threshold: memory_bytes, for: {instance: "big:1"}, value: 400}
"""


@pytest.fixture
def fires(
    tmp_path: Path, promtool: str, render: Callable[[str], str]
) -> Callable[[str], set[tuple[str, str]]]:
    """Return instance and collection of what MemoryHigh tells, as Prometheus' own engine judges it."""

    def run(mine: str) -> set[tuple[str, str]]:
        render(mine)
        firing = set()
        for instance, collections in SERIES.items():
            for collection in collections:
                if judged(tmp_path, promtool, instance, collection):
                    firing.add((instance, collection))
        return firing

    return run


def judged(folder: Path, promtool: str, instance: str, collection: str) -> bool:
    """Tell whether the alert fires for one series while all of them are there; exactly one way must pass."""
    labels = {"alertname": "MemoryHigh", "severity": "warning", "component": "qdrant"}
    series = [
        {
            "series": f'memory_bytes{{instance="{one}", collection="{other}"}}',
            "values": f"{value}x20",
        }
        for one, collections in SERIES.items()
        for other, value in collections.items()
    ]
    selector = {**labels, "alertstate": "firing", "instance": instance, "collection": collection}
    matchers = ", ".join(f"{name}={json.dumps(value)}" for name, value in selector.items())
    outcomes = []
    for samples in ([], [{"labels": f"ALERTS{{{matchers}}}", "value": 1}]):
        test = {
            "rule_files": ["out/ours.yml"],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": series,
                    "promql_expr_test": [
                        {"expr": f"ALERTS{{{matchers}}}", "eval_time": "10m", "exp_samples": samples}
                    ],
                }
            ],
        }
        (folder / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")
        done = subprocess.run(
            [promtool, "test", "rules", str(folder / "test.yml")], capture_output=True, text=True, timeout=60
        )
        outcomes.append(done.returncode == 0)
    silent, firing = outcomes
    assert silent != firing
    return firing


ALL = {("a:1", "docs"), ("a:1", "logs"), ("big:1", "docs"), ("big:1", "logs"), ("$1", "docs")}


def test_an_override_counts_for_its_subject_and_the_default_for_all_others(
    fires: Callable[[str], set[tuple[str, str]]],
) -> None:
    assert fires("") == ALL
    assert fires(OVERRIDDEN) == ALL - {("big:1", "docs")}


def test_an_override_of_what_does_not_exist_silences_nothing(
    fires: Callable[[str], set[tuple[str, str]]],
) -> None:
    assert fires(OVERRIDDEN.replace("big:1", "bog:1")) == ALL


def test_overrides_by_several_labels_and_of_odd_names_meet_exactly_what_they_name(
    fires: Callable[[str], set[tuple[str, str]]],
) -> None:
    overridden = fires(
        OVERRIDDEN
        + "  - {threshold: memory_bytes, for: {collection: logs}, value: 200}\n"
        + '  - {threshold: memory_bytes, for: {instance: "$1"}, value: 200}\n'
        + '  - {threshold: memory_bytes, for: {instance: "big:1", collection: logs}, value: 500}\n'
    )
    assert overridden == {("a:1", "docs")}


def test_the_union_of_two_overrides_takes_both_numbers(render: Callable[[str], str]) -> None:
    rendered = render(
        "thresholds: {error_ratio: 0.2}\n"
        "overrides: [{threshold: request_floor_per_second, for: {instance: a}, value: 9}]"
    )
    expression = rule(rendered, "ErrorsHigh")["expr"]
    assert expression.count("0.2 # threshold: error_ratio") == 2
    assert expression.count("9 # threshold: request_floor_per_second") == 1
    assert "1 # threshold: request_floor_per_second" in expression

"""The list of thresholds and the numbers in the rules are one, and a user's numbers do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectorwatch.errors import ConfigError
from vectorwatch.rules.markers import find_markers
from vectorwatch.rules.service import render_rules
from vectorwatch.rules.thresholds import Threshold, read_thresholds


@pytest.fixture(scope="session")
def thresholds(repository: Path) -> Mapping[str, Threshold]:
    return read_thresholds(repository / "prometheus" / "thresholds.yml")


@pytest.fixture
def folder(repository: Path, tmp_path: Path) -> Path:
    """A copy of prometheus/ without what this machine's user has set."""
    shutil.copytree(
        repository / "prometheus",
        tmp_path / "prometheus",
        ignore=shutil.ignore_patterns("*.mine.yml", "secrets"),
    )
    return tmp_path / "prometheus"


def test_every_marker_has_its_entry_with_the_same_number_and_stands_in_its_alert(
    rules: list[Any], thresholds: Mapping[str, Threshold]
) -> None:
    marked = [(rule, *marker) for rule in rules for marker in find_markers(str(rule.expr))]
    for rule, name, number in marked:
        assert name in thresholds, f"{rule.name}: `{name}` is not in prometheus/thresholds.yml"
        assert number == thresholds[name].value, f"{rule.name}: {name}"
        assert rule.name == thresholds[name].alert, f"{name} stands in {rule.name}"
    assert {name for _, name, _ in marked} == set(thresholds), "a threshold that no rule uses"


def test_a_threshold_can_be_overridden_by_labels_that_its_alert_carries(
    repository: Path, thresholds: Mapping[str, Threshold]
) -> None:
    expected: dict[str, set[str]] = {}
    for path in (repository / "prometheus" / "tests").glob("*_test.yml"):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in group.get("alert_rule_test", ()):
                for alert in case.get("exp_alerts") or ():
                    expected.setdefault(case["alertname"], set()).update(alert["exp_labels"])
    for threshold in thresholds.values():
        assert set(threshold.by) <= expected.get(threshold.alert, set()), threshold.name
        assert len(threshold.source) >= 4, f"{threshold.name}: where does the number come from?"
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", threshold.name)


def test_no_number_of_a_threshold_stands_in_a_description(rules: list[Any]) -> None:
    """It would be wrong as soon as somebody tunes it."""
    for rule in rules:
        text = str(rule.body.get("annotations", {}).get("description", ""))
        for name, number in find_markers(str(rule.expr)):
            plain = re.sub(r"{{.*?}}", "", text)
            assert not re.search(rf"(?<![\w.]){re.escape(str(number))}(?![\w.])", plain), (
                f"{rule.name}: {name}"
            )


def test_without_a_file_of_the_users_the_rules_are_ours_but_for_the_address_of_the_dashboards(
    folder: Path, tmp_path: Path, rules: list[Any]
) -> None:
    address = "https://grafana.example.net/watch"
    list(render_rules(folder, tmp_path / "out", grafana=address + "/"))
    for path in (folder / "rules").glob("*.yml"):
        rendered = (tmp_path / "out" / path.name).read_text(encoding="utf-8")
        assert rendered.replace(f"{address}/d/", "/d/") == path.read_text(encoding="utf-8")
        assert len(read_links(rendered)) == sum(rule.is_alert and rule.file == path.name for rule in rules)
        assert all(link.startswith(f"{address}/d/vw-") for link in read_links(rendered))


def test_where_there_is_no_grafana_no_alert_links_to_a_dashboard(folder: Path, tmp_path: Path) -> None:
    list(render_rules(folder, tmp_path / "out"))
    for path in (folder / "rules").glob("*.yml"):
        rendered = (tmp_path / "out" / path.name).read_text(encoding="utf-8")
        ours = path.read_text(encoding="utf-8").splitlines()
        assert rendered.splitlines() == [line for line in ours if "dashboard_url:" not in line]
        assert read_links(rendered) == []


def read_links(text: str) -> list[str]:
    """Return the links of the alerts in a file of rules."""
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    annotations = [rule["annotations"] for rule in rules if "alert" in rule]
    return [one["dashboard_url"] for one in annotations if "dashboard_url" in one]


def test_overriding_every_threshold_for_nobody_changes_no_alert(
    folder: Path, thresholds: Mapping[str, Threshold], tools: Mapping[str, Path]
) -> None:
    """All tests of the rules hold for the composed expressions too: they are right for any expression."""
    overrides = [
        {"threshold": one.name, "for": dict.fromkeys(one.by, "nobody"), "value": one.value}
        for one in thresholds.values()
        if one.by
    ]
    (folder / "thresholds.mine.yml").write_text(yaml.safe_dump({"overrides": overrides}), encoding="utf-8")
    address = "http://grafana.test"
    list(render_rules(folder, folder / "rules", grafana=address))
    for path in (folder / "rules").glob("*.yml"):
        # The tests expect links as they stand in the rules: without one.
        path.write_text(path.read_text(encoding="utf-8").replace(f"{address}/d/", "/d/"), encoding="utf-8")

    def run(test: Path) -> subprocess.CompletedProcess[str]:
        command = [str(tools["promtool"]), "test", "rules", str(test)]
        return subprocess.run(command, capture_output=True, text=True, timeout=1800)

    # promtool uses one processor, and all of them take minutes.
    with ThreadPoolExecutor(os.cpu_count()) as processors:
        for done in processors.map(run, sorted((folder / "tests").glob("*_test.yml"))):
            assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_on_the_page_are_taken(folder: Path, repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "how-to" / "tune-alerts.md").read_text(encoding="utf-8")
    tuning, levels = re.findall(r"```yaml\n(.+?)```", page, re.DOTALL)
    (folder / "thresholds.mine.yml").write_text(tuning, encoding="utf-8")
    (folder / "service-levels.mine.yml").write_text(levels, encoding="utf-8")
    lines = list(render_rules(folder, tmp_path / "out"))
    assert "yours: 1 threshold, 1 override, 2 alerts" in lines[0]
    assert "checkout-availability" in (tmp_path / "out" / "service-levels.yml").read_text(encoding="utf-8")


MEMORY_HIGH = """\
groups:
  - name: memory
    interval: 1s
    rules:
      - alert: MemoryHigh
        expr: |
          memory_bytes
            > 100 # threshold: memory_bytes
        labels: {severity: warning}
"""
MEMORY_BYTES = "memory_bytes: {value: 100, unit: bytes, alert: MemoryHigh, by: [server], source: this test}\n"


def test_a_running_prometheus_takes_over_what_was_set_and_goes_on_after_a_mistake(
    tmp_path: Path,
    start_prometheus: Callable[..., Any],
    serve_metrics: Callable[[str], Any],
    poll: Callable[..., None],
) -> None:
    page = serve_metrics('memory_bytes{server="small"} 150\nmemory_bytes{server="big"} 300\n')
    folder = tmp_path / "prometheus"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "memory.yml").write_text(MEMORY_HIGH, encoding="utf-8")
    (folder / "thresholds.yml").write_text(MEMORY_BYTES, encoding="utf-8")
    job = {"job_name": "servers", "scrape_interval": "1s", "static_configs": [{"targets": [page.address]}]}
    config = {"rule_files": ["../running/*.yml"], "scrape_configs": [{**job, "scrape_timeout": "1s"}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    list(render_rules(folder, tmp_path / "running"))
    prometheus = start_prometheus(
        folder, "--enable-feature=auto-reload-config", "--config.auto-reload-interval=1s"
    )

    def firing() -> set[str]:
        return {labels["server"] for labels, _ in prometheus.query('ALERTS{alertstate="firing"}')}

    def set_to(mine: str) -> None:
        (folder / "thresholds.mine.yml").write_text(mine, encoding="utf-8")
        list(render_rules(folder, tmp_path / "running"))

    poll(lambda: firing() == {"small", "big"}, "both alerts by our default")
    set_to("overrides: [{threshold: memory_bytes, for: {server: big}, value: 1000}]")
    poll(lambda: firing() == {"small"}, "the overridden server silent, the other still told")
    set_to("thresholds: {memory_bytes: 200}")
    poll(lambda: firing() == {"big"}, "the number for all")
    with pytest.raises(ConfigError):
        set_to("thresholds: {memory_bytes: lots}")
    poll(lambda: firing() == {"big"}, "the rules of before the mistake")
    (folder / "thresholds.mine.yml").unlink()
    list(render_rules(folder, tmp_path / "running"))
    poll(lambda: firing() == {"small", "big"}, "our default again")

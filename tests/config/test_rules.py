"""What every rule must have: form, tests, a runbook, a dashboard, and metrics that something emits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

SEVERITIES = {"critical", "warning", "info", "none"}


def alerts(rules: list[Any]) -> list[Any]:
    return [rule for rule in rules if rule.is_alert]


@pytest.fixture(scope="session")
def rule_tests(repository: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Every test group, with the name of its file."""
    files = sorted((repository / "prometheus" / "tests").glob("*_test.yml"))
    return [(path.name, group) for path in files for group in yaml.safe_load(path.read_text())["tests"]]


def test_groups_and_alerts_have_the_form_that_linters_ask_for(rules: list[Any]) -> None:
    for rule in rules:
        assert len(rule.group) <= 40, rule.group
        assert sum(other.group == rule.group for other in rules) <= 20, f"{rule.group}: split it"
    for alert in alerts(rules):
        assert re.fullmatch(r"([A-Z]+[a-z0-9]+)+", alert.name), alert.name
        assert len(alert.name) <= 40, alert.name


def test_every_alert_says_how_bad_what_where_and_what_to_do(rules: list[Any]) -> None:
    for alert in alerts(rules):
        labels, annotations = alert.body["labels"], alert.body["annotations"]
        assert labels["severity"] in SEVERITIES, alert.name
        assert labels["component"], alert.name
        assert not any("$value" in str(value) for value in labels.values()), alert.name
        assert "{{" not in annotations["summary"], f"{alert.name}: the summary heads a whole group"
        assert re.fullmatch(r"[A-Z].+\.", annotations["summary"]), alert.name
        assert "{{" in annotations["description"], f"{alert.name}: the description is about one instance"
        assert annotations["runbook_url"] == "{{ $externalURL }}/user/runbooks/" + alert.name + ".md"
        assert alert.name == "Watchdog" or "for" in alert.body, f"{alert.name}: one odd scrape would fire it"


def test_no_raw_number_stands_in_a_description(rules: list[Any]) -> None:
    for alert in alerts(rules):
        for pipeline in re.findall(r"{{-?\s*(\$value.*?)\s*-?}}", alert.body["annotations"]["description"]):
            assert "humanize" in pipeline or "printf" in pipeline, f"{alert.name}: {pipeline}"


def test_every_alert_has_a_case_that_fires_one_that_does_not_and_one_without_series(
    rules: list[Any], rule_tests: list[tuple[str, Mapping[str, Any]]]
) -> None:
    cases = [
        (case, group)
        for _, group in rule_tests
        for case in group.get("alert_rule_test", ())
        if "alertname" in case
    ]
    for alert in alerts(rules):
        severity = alert.body["labels"]["severity"]
        own = [(case, group) for case, group in cases if case["alertname"] == alert.name]
        fired = [labels for case, _ in own for labels in severities(case)]
        assert severity in fired, f"{alert.name} ({severity}): no test in which it fires"
        if alert.name != "Watchdog":
            assert any(not case.get("exp_alerts") for case, _ in own), f"{alert.name}: no test of silence"
            scarce = any(re.search(r"without any|without one", group["name"]) for _, group in own)
            assert scarce, f"{alert.name}: no test of missing series"


def severities(case: Mapping[str, Any]) -> list[str]:
    return [expected["exp_labels"]["severity"] for expected in case.get("exp_alerts", ())]


def test_every_recording_has_a_test_of_its_value(
    rules: list[Any], rule_tests: list[tuple[str, Mapping[str, Any]]]
) -> None:
    tested = {
        word
        for _, group in rule_tests
        for case in group.get("promql_expr_test", ())
        if case.get("exp_samples")
        for word in re.findall(r"[a-zA-Z_:][\w:]*", case["expr"])
    }
    assert {rule.name for rule in rules if not rule.is_alert} <= tested


def test_every_file_of_rules_has_its_file_of_tests(repository: Path) -> None:
    folder = repository / "prometheus"
    files = {path.stem for path in (folder / "rules").glob("*.yml")}
    assert {path.stem.removesuffix("_test") for path in (folder / "tests").glob("*.yml")} == files


def test_every_file_of_tests_says_in_which_order_groups_are_evaluated(repository: Path) -> None:
    """Left to itself promtool takes another order each time, and what a group reads is then sometimes old."""
    folder = repository / "prometheus" / "tests"
    for path in sorted(folder.glob("*_test.yml")):
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        files = [one for pattern in body["rule_files"] for one in sorted(folder.glob(pattern))]
        groups = [group["name"] for one in files for group in yaml.safe_load(one.read_text())["groups"]]
        assert len(groups) < 2 or body.get("group_eval_order") == groups, path.name


# ── Metrics ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def parse(tmp_path: Path, start_prometheus: Callable[[Path], Any]) -> Callable[[str], Any]:
    """Parse PromQL with Prometheus' own parser."""
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    parse: Callable[[str], Any] = start_prometheus(tmp_path).parse
    return parse


def selectors(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every selector of a parsed expression."""
    if isinstance(tree, dict):
        if tree.get("type") in ("vectorSelector", "matrixSelector"):
            yield tree
        for value in tree.values():
            yield from selectors(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from selectors(value)


def unknown_metrics(tree: Any, known: set[str]) -> set[str]:
    """Return what `tree` selects and nothing emits; a selector by a pattern must match something."""
    unknown = set()
    for selector in selectors(tree):
        matcher = next(m for m in selector["matchers"] if m["name"] == "__name__")
        if matcher["type"] == "=":
            matches = matcher["value"] in known
        else:
            matches = any(re.fullmatch(matcher["value"], name) for name in known)
        if not matches:
            unknown.add(matcher["value"])
    return unknown


def test_every_metric_in_a_rule_is_emitted_by_something(
    rules: list[Any], parse: Callable[[str], Any], emitted_metrics: set[str]
) -> None:
    known = emitted_metrics | {rule.name for rule in rules if not rule.is_alert}
    unknown = {rule.name: unknown_metrics(parse(rule.expr), known) for rule in rules}
    assert {name: metrics for name, metrics in unknown.items() if metrics} == {}


def test_no_rule_filters_by_a_label_that_the_metric_does_not_have(
    rules: list[Any], parse: Callable[[str], Any], exporter_metrics: Mapping[str, set[str]]
) -> None:
    for rule in rules:
        for selector in selectors(parse(rule.expr)):
            labels = {matcher["name"] for matcher in selector["matchers"]} - {"__name__", "job", "instance"}
            if selector["name"] in exporter_metrics:
                assert labels <= exporter_metrics[selector["name"]], f"{rule.name}: {selector['name']}"


def test_a_recorded_name_is_not_one_that_our_exporters_emit(
    rules: list[Any], exporter_metrics: Mapping[str, set[str]]
) -> None:
    assert {rule.name for rule in rules if not rule.is_alert} & set(exporter_metrics) == set()


# ── Runbooks ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_alert_has_its_runbook_and_every_runbook_its_alert(rules: list[Any], repository: Path) -> None:
    pages = {
        path.stem: path.read_text(encoding="utf-8") for path in (repository / "docs/runbooks").glob("*.md")
    }
    assert set(pages) == {alert.name for alert in alerts(rules)}
    for name, text in pages.items():
        headings = re.findall(r"^#+ .+$", text, re.MULTILINE)
        assert headings == [f"# {name}", "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]


def test_every_query_in_a_runbook_parses_and_asks_for_something_that_exists(
    rules: list[Any], repository: Path, parse: Callable[[str], Any], emitted_metrics: set[str]
) -> None:
    known = emitted_metrics | {rule.name for rule in rules if not rule.is_alert}
    for path in sorted((repository / "docs" / "runbooks").glob("*.md")):
        queries = re.findall(r"```promql\n(.+?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        assert queries, f"{path.name}: no query to diagnose with"
        for query in queries:
            assert unknown_metrics(parse(query), known) == set(), f"{path.name}: {query}"


# ── Dashboards ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def dashboards(repository: Path) -> Mapping[str, set[str]]:
    """Return the names of the variables of each dashboard, by its uid."""
    files = (repository / "grafana" / "dashboards").rglob("*.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return {body["uid"]: {variable["name"] for variable in body["templating"]["list"]} for body in found}


def test_every_alert_opens_a_dashboard_on_what_the_alert_is_about(
    rule_tests: list[tuple[str, Mapping[str, Any]]], dashboards: Mapping[str, set[str]]
) -> None:
    expected = [
        (case["alertname"], alert["exp_labels"], urlsplit(alert["exp_annotations"]["dashboard_url"]))
        for _, group in rule_tests
        for case in group.get("alert_rule_test", ())
        for alert in case.get("exp_alerts") or ()
    ]
    for name, labels, link in expected:
        uid = link.path.removeprefix("/d/")
        assert uid in dashboards, f"{name}: no dashboard {link.path}"
        query = parse_qs(link.query, keep_blank_values=True, strict_parsing=bool(link.query))
        chosen = {key.removeprefix("var-"): values for key, values in query.items()}
        assert set(chosen) <= dashboards[uid], f"{name}: no variable of {uid}"
        for variable, values in chosen.items():
            assert len(values) == 1, f"{name}: {variable}"
            # A label that the alert does not carry gives an empty value.
            assert values[0] in map(str, labels.values()), f"{name}: {variable}"
        # A server is read by several jobs: the job of the alert would hide what the others know of it.
        assert dashboards[uid] & set(labels) - set(chosen) <= {"job"}, f"{name}: choose these too"


def test_an_alert_opens_one_dashboard_whatever_its_severity(rules: list[Any]) -> None:
    """A message about a storm links to the dashboard of its first alert, without what tells them apart."""
    found: dict[str, set[str]] = {}
    for alert in alerts(rules):
        path, _, query = alert.body["annotations"]["dashboard_url"].partition("?")
        assert re.fullmatch(r"/d/vw-[a-z]+(-[a-z]+)*", path.partition("{{")[0]), alert.name
        found.setdefault(alert.name, set()).add(path)
        for value in re.findall(r"{{ (\$labels\S*|\.)(.*?) }}", query):
            assert value[1] == " | urlquery", f"{alert.name}: a value may hold any character"
    assert all(len(paths) == 1 for paths in found.values())


def test_links_between_pages_lead_somewhere(repository: Path) -> None:
    for path in sorted((repository / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"

"""The health matrix fits the rules, the jobs, the metrics and the dashboards of the repository."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.promql import selectors
from vectorwatch.status.component import Component
from vectorwatch.status.matrix import COMPONENTS, find
from vectorwatch.status.observe import question


def test_every_alert_speaks_of_a_component(rules: list[Any]) -> None:
    labels = {
        (rule.name, rule.body["labels"].get("component", ""))
        for rule in rules
        if rule.is_alert and rule.body["labels"]["severity"] != "none"
    }
    assert not {name for name, label in labels if not any(one.owns(name, label) for one in COMPONENTS)}
    for one in COMPONENTS:
        # `Containers` and the like: what has neither can never be unhealthy.
        assert any(one.owns(name, label) for name, label in labels), one.name


def test_every_name_is_of_one_component_and_those_of_the_requirements_are_there() -> None:
    names = [name for one in COMPONENTS for name in (one.name, *one.other_names)]
    assert len(names) == len(set(names))
    wanted = {"vector_store", "cache", "cache_system", "embedding_cache", "gpu", "gpu_manager", "ai_models"}
    wanted |= {"database", "network", "indexes", "aliases", "hyde"}
    assert wanted <= set(names)
    assert find("cache") is find("embedding_cache") is find("cache_system")


def test_every_name_stands_on_the_reference_page(repository: Path) -> None:
    page = (repository / "docs/reference/status.md").read_text(encoding="utf-8")
    for one in COMPONENTS:
        assert all(f"`{name}`" in page for name in (one.name, *one.other_names, *one.labels)), one.name


def test_every_job_and_dashboard_exists(repository: Path) -> None:
    configuration = yaml.safe_load((repository / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"] for job in configuration["scrape_configs"]}
    boards = {
        json.loads(path.read_text(encoding="utf-8"))["uid"]
        for path in (repository / "grafana/dashboards").rglob("*.json")
    }
    for one in COMPONENTS:
        assert one.dashboard in boards, one.name
        for part in one.jobs.split("|") if one.jobs else []:
            assert any(re.fullmatch(part, job) for job in jobs), part


def test_every_question_is_promql_about_metrics_that_exist(
    tmp_path: Path,
    rules: list[Any],
    emitted_metrics: set[str],
    start_prometheus: Callable[..., Any],
) -> None:
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    server = start_prometheus(tmp_path)
    # No rule uses the one of Qdrant itself.
    known = (
        emitted_metrics | {rule.name for rule in rules if not rule.is_alert} | {"collections_vector_total"}
    )
    unknown = {
        (one.name, node["name"])
        for one in COMPONENTS
        for node in selectors(server.parse(question(one)))
        if node["name"] not in known
    }
    assert not unknown


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_every_measure_is_one_series_without_labels(component: Component) -> None:
    fields = [measure.field for measure in component.measures]
    assert len(fields) == len(set(fields))
    for measure in component.measures:
        # An aggregation over all is the only form that is used; a label would make two fields of one name.
        assert re.match(r"(1 - |1000 \* |f?\()*(sum|min|max|count|histogram_quantile)?\(", measure.query)
        assert " by (" not in measure.query.replace("sum by (le)", "")

"""What every dashboard must have, whatever made it: form, grid, links that lead somewhere, sound queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.finding import Exceptions, sift
from tests.dashboards.form import check_form
from tests.dashboards.links import check_links
from tests.dashboards.promql import Parse, check_queries, check_repetition
from tests.dashboards.queries import Dashboard, read_dashboards

EXCEPTIONS: Exceptions = {
    ("template-job-rule", "vw-alerts"): "alerts come from every job; one chooses severity and component",
    ("template-instance-rule", "vw-alerts"): "as above; many alerts are of no one instance",
    ("template-job-rule", "vw-service-levels"): "a level may be of several jobs; one chooses the objective",
    ("template-instance-rule", "vw-service-levels"): "as above",
    ("template-job-rule", "vw-logs"): "lines are of services, whose names are in `service_name`",
    ("template-instance-rule", "vw-logs"): "as above",
    ("template-job-rule", "vw-log-pipeline"): "each stack has one pipeline, which several exporters read",
    ("template-instance-rule", "vw-log-pipeline"): "as above; one exporter's would hide the other's",
    ("template-instance-rule", "vw-benchmarks"): "one program measures all: `server` says which is measured",
    ("template-job-rule", "vw-tracing"): "spans are of services, whose names are in `service_name`",
    ("template-instance-rule", "vw-tracing"): "as above",
    ("target-job-rule", "vw-start · Components*"): "the matrix shows every component, whatever is chosen",
    ("target-instance-rule", "vw-start · Components*"): "as above",
    ("target-instance-rule", "vw-blackbox · The exporter itself · A"): "it tries all, whichever are chosen",
    ("query-repeated", "*vw-start · *"): "it shows the first figure of each other dashboard",
    ("query-repeated", "*vw-capacity · *"): "it shows together what is used of all that can be full",
    ("target-instance-rule", "vw-blackbox · The exporter itself · *"): "it is none of the addresses it tries",
    ("target-rate-interval-rule", "vw-hnsw · *"): "the probe searches in bursts with minutes between them",
}
"""By rule and place: why it need not be mended. An exception that covers nothing must go."""


@pytest.fixture(scope="module")
def dashboards(repository: Path) -> list[Dashboard]:
    found = read_dashboards(repository / "grafana" / "dashboards")
    assert found, "grafana/dashboards/ holds no dashboard; `make dashboards` writes them"
    return found


@pytest.fixture(scope="module")
def provisioned(repository: Path) -> set[str]:
    """The uids of the data sources that every Grafana of this stack has."""
    path = repository / "grafana" / "provisioning" / "datasources" / "datasources.yml"
    return {one["uid"] for one in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]}


def test_dashboards_keep_the_rules_or_say_why_not(
    dashboards: list[Dashboard],
    provisioned: set[str],
    parse_promql: Parse,
    rules: list[Any],
    exporter_metrics: Mapping[str, set[str]],
    repository: Path,
) -> None:
    runbooks = {path.stem for path in (repository / "docs" / "runbooks").glob("*.md")}
    recorded = {rule.name for rule in rules if not rule.is_alert}
    findings = [
        *check_form(dashboards, provisioned),
        *check_links(dashboards, provisioned, runbooks),
        *check_queries(dashboards, parse_promql, recorded, exporter_metrics),
        *check_repetition(dashboards),
    ]
    left, unused = sift(findings, EXCEPTIONS)
    if left:
        pytest.fail("\n".join([f"{len(left)} findings", *left]), pytrace=False)
    assert not unused, "these exceptions cover nothing"

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.prometheus_api import PrometheusApi
from vectorwatch.demo.tools import ensure_tools

RULES = """
groups:
  - name: g
    rules:
      - {alert: Down, expr: up == 0, for: 1m}
      - {alert: Down, expr: absent(up), for: 90s}
      - {record: a:b, expr: vector(7)}
"""


@pytest.fixture
def prometheus(start_program: Callable[..., object], tmp_path: Path) -> Iterator[PrometheusApi]:
    """A real one that scrapes itself and a port on which nobody listens."""
    port, silent = find_free_ports(2)
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n"
        f"  - {{job_name: self, static_configs: [{{targets: ['{HOST}:{port}']}}]}}\n"
        f"  - {{job_name: silent, static_configs: [{{targets: ['{HOST}:{silent}']}}]}}\n"
    )
    command = [
        str(ensure_tools(["prometheus"])["prometheus"]),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    start_program(command, ready_url=f"http://{HOST}:{port}/-/ready")
    api = PrometheusApi(f"http://{HOST}:{port}")
    yield api
    api.close()


def test_targets_are_told_with_health_and_error(prometheus: PrometheusApi, poll: Callable[..., None]) -> None:
    poll(
        lambda: {target.health for target in prometheus.list_targets()} == {"up", "down"}, "both are scraped"
    )
    targets = {target.job: target for target in prometheus.list_targets()}
    assert targets["self"].error == ""
    assert targets["self"].address == targets["self"].instance
    assert "connection refused" in targets["silent"].error


def test_samples_come_with_labels(prometheus: PrometheusApi, poll: Callable[..., None]) -> None:
    poll(lambda: bool(prometheus.query("a:b")), "the rule is evaluated")
    assert prometheus.query("a:b")[0].value == 7
    poll(lambda: bool(prometheus.query("up == 0")), "the silent target is scraped")
    assert prometheus.query("up == 0")[0].labels["job"] == "silent"


def test_the_longest_wait_of_an_alerts_rules_is_read(prometheus: PrometheusApi) -> None:
    assert prometheus.read_for_seconds("Down") == 90
    with pytest.raises(KeyError):
        prometheus.read_for_seconds("Unknown")


def test_a_query_that_cannot_be_parsed_is_an_error(prometheus: PrometheusApi) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        prometheus.query("sum(")

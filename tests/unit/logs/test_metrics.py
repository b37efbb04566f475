from __future__ import annotations

import re
from pathlib import Path

import yaml

from vectorwatch.logs import logstash_metrics, metrics
from vectorwatch.serve.metric import Table
from vectorwatch.serve.scrape import outcome_table

FOREIGN = Path(__file__).parents[2] / "config" / "foreign_metrics.yml"
TABLES = [
    *(value for module in (metrics, logstash_metrics) for value in vars(module).values()),
    outcome_table("logs"),
]
NAMES = [metric.name for table in TABLES if isinstance(table, Table) for metric in table.metrics]


def test_no_name_is_one_of_another_program() -> None:
    foreign = yaml.safe_load(FOREIGN.read_text(encoding="utf-8"))
    assert set(NAMES).isdisjoint(name for names in foreign.values() for name in names)
    assert not any(name.startswith("elasticsearch_") for name in NAMES)


def test_names_follow_the_convention() -> None:
    for name in NAMES:
        assert re.fullmatch(r"(logs?|logstash|filebeat|kibana)_[a-z0-9_]+[a-z]", name), name
        assert not name.endswith(("_sum", "_count", "_bucket")), name


def test_every_name_stands_once() -> None:
    assert len(NAMES) == len(set(NAMES))

from __future__ import annotations

import re
from pathlib import Path

from vectorwatch.qdrant import metrics
from vectorwatch.serve.metric import Table
from vectorwatch.serve.scrape import outcome_table

NATIVE = {
    line
    for line in (Path(__file__).parent / "fixtures" / "native-names.txt").read_text().splitlines()
    if line and not line.startswith("#")
}
TABLES = [value for value in vars(metrics).values() if isinstance(value, Table)] + [outcome_table("qdrant")]
NAMES = {metric.name for table in TABLES for metric in table.metrics}


def test_no_name_is_one_of_qdrant_s_own_with_or_without_its_prefix() -> None:
    assert NAMES.isdisjoint(NATIVE | {f"qdrant_{name}" for name in NATIVE})


def test_names_follow_the_convention() -> None:
    for name in NAMES:
        assert re.fullmatch(r"qdrant_[a-z0-9_]+[a-z]", name), name
        assert not name.endswith(("_sum", "_count", "_bucket")), name


def test_every_name_stands_once() -> None:
    listed = [metric.name for table in TABLES for metric in table.metrics]
    assert len(listed) == len(set(listed))

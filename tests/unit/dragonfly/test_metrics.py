from __future__ import annotations

import re

from vectorwatch.dragonfly.metrics import TABLES
from vectorwatch.serve.scrape import outcome_table

from .stand_in import FIXTURES

METRICS = [metric for table in (*TABLES, outcome_table("dragonfly")) for metric in table.metrics]
NATIVE = (FIXTURES / "native-names.txt").read_text().split()


def test_no_name_is_one_that_dragonfly_exposes_itself() -> None:
    assert len(NATIVE) > 100
    assert {metric.name for metric in METRICS}.isdisjoint(NATIVE)


def test_no_name_is_a_native_one_once_the_suffix_of_counters_is_gone() -> None:
    # OpenMetrics names a counter's family without `_total`: two families of one name cannot be told apart.
    stems = {name.removesuffix("_total") for name in NATIVE}
    assert {metric.name.removesuffix("_total") for metric in METRICS}.isdisjoint(stems)


def test_every_name_stands_once_and_follows_the_conventions() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for name in names:
        assert re.fullmatch(r"dragonfly_[a-z0-9_]+[a-z0-9]", name), name
        assert not name.endswith(("_sum", "_count", "_bucket")), name


def test_every_help_names_its_source() -> None:
    own = {"dragonfly_ping_duration_seconds"} | {metric.name for metric in outcome_table("dragonfly").metrics}
    for metric in METRICS:
        assert metric.help.endswith("."), metric.name
        assert "`" in metric.help or metric.name in own, metric.name

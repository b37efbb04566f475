"""What the page on sizing tells users to set is taken by Compose, and agrees with what runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from .compose import Render

SIZES = ("small", "medium", "large")


@pytest.fixture(scope="module")
def columns(repository: Path) -> list[Mapping[str, str]]:
    """Return the values of each size of machine."""
    text = (repository / "docs" / "reference" / "sizing.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2:-1] for line in text.splitlines() if re.match(r"\|.*`[A-Z_]+=", line)]
    return [dict(re.findall(r"`([A-Z_]+)=(\w+)`", " ".join(column))) for column in zip(*rows, strict=True)]


def test_every_value_is_one_that_can_be_set_and_compose_takes_all(
    repository: Path, columns: list[Mapping[str, str]], render: Render
) -> None:
    known = re.findall(r"(?m)^#([A-Z_]+)=", (repository / ".env.example").read_text(encoding="utf-8"))
    assert len(columns) == len(SIZES)
    for values in columns:
        assert len(values) > 3
        assert values.keys() <= set(known)
        flags = render(**values)["services"]["prometheus"]["command"]
        assert f"--storage.tsdb.retention.size={values['PROMETHEUS_RETENTION_SIZE']}" in flags


def test_elasticsearch_gets_twice_its_heap(columns: list[Mapping[str, str]]) -> None:
    for values in columns:
        if "ELASTICSEARCH_HEAP" in values:
            heap, memory = (int(values[f"ELASTICSEARCH_{name}"][:-1]) for name in ("HEAP", "MEMORY"))
            assert memory >= 2 * heap


def test_the_alert_on_many_series_stands_where_the_default_memory_ends(
    repository: Path, render: Render
) -> None:
    page = (repository / "docs" / "reference" / "sizing.md").read_text(encoding="utf-8")
    [for_each_gib] = re.findall(r"`prometheus_series` to ([\d,]+) for each GiB", page)
    thresholds = yaml.safe_load((repository / "prometheus" / "thresholds.yml").read_text(encoding="utf-8"))
    gib = int(render()["services"]["prometheus"]["mem_limit"]) / 2**30
    assert thresholds["prometheus_series"]["value"] == int(for_each_gib.replace(",", "")) * gib

"""The reference pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vectorwatch.catalogue import pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_what_the_code_writes(name: str) -> None:
    page = (REFERENCE / name).read_text(encoding="utf-8")
    assert page == pages()[name], "run `make reference` and read the diff"


def test_the_page_says_of_a_metric_who_records_it_and_which_rules_use_it() -> None:
    page = pages()["metrics.md"]
    head, _, rest = page.partition("Recorded by `track.hdc_operation`")
    row = next(line for line in rest.splitlines() if line.startswith("| `hdc_operation_duration_seconds` "))
    assert [cell.strip() for cell in row.split("|")[2:5]] == ["histogram", "operation, device", "seconds"]
    assert "`hdc_latency_percentiles`, HDC" in row.split("|")[6]
    recall = next(line for line in head.splitlines() if line.startswith("| `hnsw_graph_exercised` "))
    assert "RecallLow" in recall.split("|")[6]


def test_a_name_stands_on_the_page_once() -> None:
    names = re.findall(r"^\| `(\w+)` ", pages()["metrics.md"], re.MULTILINE)
    assert len(names) > 250
    assert sorted(set(names)) == sorted(names)

"""What rules may use of other programs, against what these programs have been seen to emit."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

TESTS = Path(__file__).parents[1]


def test_names_of_elasticsearch_exporter_are_those_that_it_emits() -> None:
    listed = yaml.safe_load((TESTS / "config" / "foreign_metrics.yml").read_text(encoding="utf-8"))
    recording = TESTS / "dashboards" / "recorded" / "elasticsearch-exporter.prom"
    # Not by the library's parser: it adds the `_total` that this exporter's counters lack.
    emitted = set(re.findall(r"^\w+", recording.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(listed["elasticsearch_exporter"]) <= emitted

"""What rules may use of other programs, against what these programs have been seen to emit."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

HERE = Path(__file__).parent
RECORDING = HERE / "recordings" / "elasticsearch-exporter-1.5.0.prom"
# Of 1.6.0 and later, read in the source of 1.11.0.
NEWER = ("elasticsearch_clustersettings_allocation_", "elasticsearch_ilm_")


def test_names_of_elasticsearch_exporter_are_those_that_it_emits() -> None:
    listed = yaml.safe_load((HERE / "foreign_metrics.yml").read_text(encoding="utf-8"))
    # Not by the library's parser: it adds the `_total` that this exporter's counters lack.
    emitted = set(re.findall(r"^\w+", RECORDING.read_text(encoding="utf-8"), re.MULTILINE))
    wanted = {name for name in listed["elasticsearch_exporter"] if not name.startswith(NEWER)}
    assert wanted == emitted

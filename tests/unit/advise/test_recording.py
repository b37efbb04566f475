"""The recorded series have the names and labels that probe and exporter expose."""

from __future__ import annotations

import re
from pathlib import Path

UNIT = Path(__file__).parents[1]
EXPOSITIONS = ("hnsw/golden/stand-in.prom", "qdrant/golden/qdrant-1.19-features.prom")


def test_each_recorded_series_has_the_labels_of_the_recorded_expositions(
    recorded_labels: dict[str, set[str]],
) -> None:
    exposed: dict[str, set[str]] = {}
    for exposition in EXPOSITIONS:
        for line in (UNIT / exposition).read_text(encoding="utf-8").splitlines():
            if found := re.match(r"(\w+)\{(.*)\} ", line):
                exposed.setdefault(found[1], set()).update(re.findall(r'(?:^|,)(\w+)="', found[2]))
    assert recorded_labels == {name: exposed[name] for name in recorded_labels}

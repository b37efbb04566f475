"""A folder `prometheus/` as the renderer sees it, with rules small enough to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectorwatch.rules.service import render_rules

THRESHOLDS = """\
memory_bytes:
  value: 100
  unit: bytes
  alert: MemoryHigh
  by: [instance, collection]
  source: made up
error_ratio:
  value: 0.05
  unit: ratio
  alert: ErrorsHigh
  by: []
  source: made up
request_floor_per_second:
  value: 1
  unit: per_second
  alert: ErrorsHigh
  by: [instance]
  source: made up
"""
RULES = """\
# A comment that stays.
groups:
  - name: ours
    rules:
      - record: job:up:count
        expr: count by (job) (up)
      - alert: MemoryHigh
        expr: |
          memory_bytes # of one collection
            > 100 # threshold: memory_bytes
        for: 5m
        labels: {severity: warning, component: qdrant}
        annotations:
          summary: Memory is high.
          description: "{{ $labels.instance }} has {{ $value | humanize1024 }}B."
      - alert: ErrorsHigh
        expr: |
          errors / (requests > 0)
            > 0.05 # threshold: error_ratio
          and requests
            >= 1 # threshold: request_floor_per_second
        for: 5m
        labels: {severity: critical}
      - alert: ErrorsHigh
        expr: errors / (requests > 0) > 0.01
        labels: {severity: warning}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "prometheus"
    (folder / "rules").mkdir(parents=True)
    (folder / "thresholds.yml").write_text(THRESHOLDS, encoding="utf-8")
    (folder / "rules" / "ours.yml").write_text(RULES, encoding="utf-8")
    return folder


@pytest.fixture
def render(source: Path, tmp_path: Path) -> Callable[[str], str]:
    """Render with this text as the user's file and return the rules."""

    def run(mine: str) -> str:
        (source / "thresholds.mine.yml").write_text(mine, encoding="utf-8")
        list(render_rules(source, tmp_path / "out"))
        return (tmp_path / "out" / "ours.yml").read_text(encoding="utf-8")

    return run

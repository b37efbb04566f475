"""The seconds a notification takes beyond what `for` and `group_wait` demand, in the demo's own story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.bench.measure import Row
from vectorwatch.demo.check import parse_duration_seconds, run

PROMETHEUS = Path(__file__).parents[2] / "prometheus" / "prometheus.yml"


def rows() -> Iterator[Row]:
    configured = yaml.safe_load(PROMETHEUS.read_text())["global"]
    # An alert is seen at the next scrape and fires at the next evaluation.
    most = sum(
        parse_duration_seconds(configured[name]) for name in ("scrape_interval", "evaluation_interval")
    )
    for step in run():
        if "firing" in step.what:
            yield Row(
                f"{step.what}, beyond `for` + `group_wait`", step.seconds - step.design.seconds, "s", most
            )

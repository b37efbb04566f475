"""A stand-in for the log pipeline: Logstash with many filters, an Elasticsearch with many services.

`python -m tests.bench.logs_stand_in PORT FILTERS SERVICES`. It answers faster than the real programs, so that
the exporter is measured and not they.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

from tests.unit.logs.conftest import Sources, answers_of

LEVELS = ("info", "warning", "error")


def answers(filters: int, services: int) -> dict[str, Any]:
    """Return the recorded answers, with so many filters in the pipeline and services in each level."""
    found = answers_of("9.5")
    plugins = found["logstash"]["pipelines"]["main"]["plugins"]
    plugins["filters"] = [plugins["filters"][0] | {"id": f"filter_{number}"} for number in range(filters)]
    buckets = [{"key": f"service-{number}", "doc_count": 10} for number in range(services)]
    levels = [
        {"key": level, "doc_count": 10 * services, "services": {"buckets": buckets}} for level in LEVELS
    ]
    total = 10 * services * len(LEVELS)
    dataset = {"key": "application", "doc_count": total, "levels": {"buckets": levels}}
    window = {"doc_count": total, "datasets": {"buckets": [dataset]}}
    for answer in found["elasticsearch"]:
        answer["aggregations"]["window"] = window
    return found


if __name__ == "__main__":
    port, filters, services = (int(argument) for argument in sys.argv[1:])
    uvicorn.run(Sources(answers(filters, services)).app(), port=port, log_level="warning")

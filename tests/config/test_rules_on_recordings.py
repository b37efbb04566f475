"""The rules against the recorded expositions: exactly what is wrong in a recording fires."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

# Longer than any alert waits, and no longer than what looks at the last hours needs.
_HOURS = 4

FIRING: Mapping[str, Mapping[str, set[tuple[str, str]]]] = {
    "qdrant": {
        "qdrant-1.12-old": set(),
        "qdrant-1.14-cluster": {("QdrantReplicaDead", "warning"), ("QdrantShardUnavailable", "critical")},
        "qdrant-1.15-grey": {("QdrantCollectionGrey", "warning"), ("QdrantVectorsUnindexed", "warning")},
        "qdrant-1.19-features": {
            ("QdrantCollectionYellow", "warning"),
            ("QdrantOptimizerFailed", "critical"),
            ("QdrantPointsHidden", "warning"),
        },
    },
    "dragonfly": {
        "dragonfly-1.39.0": set(),
        "dragonfly-1.40-replica": {("CacheSnapshotFailed", "warning")},
        "redis-7.0.15-replica": set(),
        "valkey-9.1.2": set(),
    },
    "gpu": {"h100-mig": set(), "h200": set(), "l40s": set(), "rtx-4080-super": set()},
    "hnsw": {"stand-in": {("RecallQueriesFew", "warning")}},
    # What was under way when 9.5 was recorded waits for ever where nothing moves.
    "logs": {
        "8.4": set(),
        "9.5": {("FilebeatOutputFailing", "warning"), ("LogPipelineStalled", "warning")},
    },
}


def read_series(golden: Path) -> Iterator[Mapping[str, str]]:
    """Yield the samples of an exposition as series that keep their value, in promtool's notation."""
    for family in text_string_to_metric_families(golden.read_text(encoding="utf-8")):
        for sample in family.samples:
            labels = {**sample.labels, "job": "recorded", "instance": "recorded:1"}
            text = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
            yield {"series": f"{sample.name}{{{text}}}", "values": f"{sample.value!r}x{_HOURS * 15}"}


def expect(alerts: set[tuple[str, str]]) -> list[Mapping[str, Any]]:
    return [
        {"labels": f'{{alertname="{name}", severity="{severity}"}}', "value": 1} for name, severity in alerts
    ]


@pytest.mark.parametrize("room", FIRING)
def test_exactly_what_is_wrong_in_a_recording_fires(
    room: str, repository: Path, tools: Mapping[str, Path], tmp_path: Path
) -> None:
    goldens = repository / "tests" / "unit" / room / "golden"
    assert {path.stem for path in goldens.glob("*.prom")} == set(FIRING[room])
    groups = [
        {
            "name": recording,
            "interval": "4m",
            "input_series": list(read_series(goldens / f"{recording}.prom")),
            "promql_expr_test": [
                {
                    "expr": 'group by (alertname, severity) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{_HOURS - 1}h",
                    "exp_samples": expect(alerts),
                }
            ],
        }
        for recording, alerts in FIRING[room].items()
    ]
    test = tmp_path / "recordings_test.yml"
    rules = sorted(map(str, (repository / "prometheus" / "rules").glob(f"{room}*.yml")))
    content = {"rule_files": rules, "evaluation_interval": "4m", "tests": groups}
    test.write_text(json.dumps(content), encoding="utf-8")
    outcome = subprocess.run([tools["promtool"], "test", "rules", test], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

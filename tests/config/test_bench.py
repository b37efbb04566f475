"""What `make bench` measures rules and dashboards with: series like real ones, and a past that arrives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.dashboard_cost import ask, step_seconds
from tests.bench.fleet import KINDS, Kind, exposition
from tests.bench.loaded import Loaded
from tests.bench.remote_write import encode_labels, encode_samples, push
from tests.dashboards.queries import read_dashboards

LABELS = {"__name__": "memory_bytes", "instance": "é:1", "job": "app"}


def test_the_fleet_has_about_a_hundred_thousand_series_and_none_twice() -> None:
    texts = {job: [text for _, text, _ in kind.series] for job, kind in KINDS.items()}
    assert all(len(set(found)) == len(found) > 10 for found in texts.values())
    total = sum(len(texts[job]) * kind.instances for job, kind in KINDS.items())
    assert 95_000 < total < 110_000


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.job)
def test_what_a_server_of_the_fleet_says_is_an_exposition_whose_counters_grow(kind: Kind) -> None:
    earlier, later = (read(exposition(kind, now, 1e9)) for now in (1e9 + 60, 1e9 + 120))
    assert earlier.keys() == later.keys()
    grown = [name for name, _ in earlier if name.endswith("_total")]
    if grown:
        assert any(later[key] > earlier[key] for key in earlier if key[0] in grown)
    assert all(later[key] >= earlier[key] for key in earlier if key[0] in grown)


def read(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, json.dumps(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def start_receiver(folder: Path, start_prometheus: Callable[..., Any]) -> Any:
    (folder / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    return start_prometheus(folder, "--web.enable-remote-write-receiver")


def test_a_past_that_is_pushed_arrives_as_it_was(
    tmp_path: Path, start_prometheus: Callable[..., Any]
) -> None:
    prometheus = start_receiver(tmp_path, start_prometheus)
    begin = int(time.time()) - 3600
    values = [0.5, -1.0, 1e300]
    moments = [(begin + 15 * number) * 1000 for number in range(3)]
    push(prometheus.url, [(encode_labels(LABELS), encode_samples(values, moments))] * 2)
    [row] = prometheus.get("query", query="memory_bytes[1h]", time=str(begin + 60))["result"]
    assert row["metric"] == LABELS
    assert [(moment, float(value)) for moment, value in row["values"]] == [
        (begin + 15 * number, value) for number, value in enumerate(values)
    ]


def test_a_past_that_prometheus_refuses_ends_the_measurement_with_its_words(
    tmp_path: Path, start_prometheus: Callable[..., Any]
) -> None:
    prometheus = start_receiver(tmp_path, start_prometheus)
    labels, now = encode_labels(LABELS), round(time.time()) * 1000
    push(prometheus.url, [(labels, encode_samples([1.0], [now]))])
    with pytest.raises(SystemExit, match=r"bench: Prometheus refuses the history \(400\): .*out of bounds"):
        push(prometheus.url, [(labels, encode_samples([1.0], [now - 7_200_000]))])


DASHBOARD = {
    "uid": "vw-one",
    "title": "One",
    "templating": {
        "list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            {
                "name": "job",
                "type": "query",
                "query": {"query": "label_values(memory_bytes, job)"},
                "includeAll": True,
                "allValue": ".+",
                "current": {"value": ["$__all"]},
            },
        ]
    },
    "panels": [
        {
            "type": "timeseries",
            "title": "Memory",
            "targets": [
                {"refId": "A", "expr": 'memory_bytes{job=~"$job"}'},
                {"refId": "B", "expr": 'rate(memory_bytes{job=~"$job"}[$__rate_interval])', "instant": True},
            ],
        }
    ],
}


def test_all_that_a_dashboard_asks_is_asked_and_a_query_that_fails_ends_the_measurement(
    tmp_path: Path, start_prometheus: Callable[..., Any]
) -> None:
    prometheus = start_receiver(tmp_path, start_prometheus)
    folder = tmp_path / "dashboards" / "Overview"
    folder.mkdir(parents=True)
    asked: list[str] = []
    with httpx.Client(
        base_url=prometheus.url,
        trust_env=False,
        event_hooks={"request": [lambda request: asked.append(request.url.path)]},
    ) as client:
        loaded = Loaded(tmp_path, prometheus.url, 0, client, 0)
        (folder / "one.json").write_text(json.dumps(DASHBOARD), encoding="utf-8")
        [dashboard] = read_dashboards(tmp_path / "dashboards")
        ask(loaded, dashboard, time.time())
        assert asked == [
            "/api/v1/label/job/values",
            "/api/v1/query_range",
            "/api/v1/query",
        ]
        (folder / "one.json").write_text(json.dumps(DASHBOARD).replace("rate(", "rat("), encoding="utf-8")
        [broken] = read_dashboards(tmp_path / "dashboards")
        with pytest.raises(SystemExit, match="unknown function"):
            ask(loaded, broken, time.time())


@pytest.mark.parametrize(
    ("panel", "seconds"),
    [
        ({}, 15),
        ({"gridPos": {"w": 12}}, 20),
        ({"gridPos": {"w": 8}}, 30),
        ({"gridPos": {"w": 4}}, 60),
        ({"gridPos": {"w": 12}, "interval": "2m"}, 120),
        ({"gridPos": {"w": 24}, "maxDataPoints": 100}, 300),
        ({"gridPos": {"w": 24}, "maxDataPoints": 20}, 1080),
    ],
)
def test_a_wider_panel_gets_more_points_and_none_more_than_there_are_scrapes(
    panel: dict[str, Any], seconds: int
) -> None:
    assert step_seconds(panel) == seconds

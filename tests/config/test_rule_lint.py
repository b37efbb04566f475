"""What pint asks of rules and can tell only with a server: here kinds of metrics and intervals are known.

What it can tell without one, `make lint-rules` asks pint itself; the form of alerts is in test_rules.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from vectorwatch.catalogue import metrics_of
from vectorwatch.demo.check import parse_duration_seconds

from .conftest import Rule

Parse = Callable[[str], Any]
OF_COUNTERS = {"rate", "irate", "increase"}
OF_GAUGES = {"delta", "idelta", "deriv", "predict_linear"}
# Counters of the kernel, which node_exporter passes on without a kind and under their own names; and one of
# elasticsearch_exporter.
BARE_COUNTERS = {"node_vmstat_oom_kill", "node_vmstat_pswpin", "elasticsearch_breakers_tripped"}


@pytest.fixture
def parse(tmp_path: Path, start_prometheus: Callable[[Path], Any]) -> Iterator[Parse]:
    """Parse PromQL with Prometheus' own parser."""
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    with httpx.Client(base_url=start_prometheus(tmp_path).url, trust_env=False) as client:

        def parse(expr: str) -> Any:
            answer = client.post("/api/v1/parse_query", data={"query": expr}).json()
            assert answer["status"] == "success", f"{answer.get('error')}: {expr}"
            return answer["data"]

        yield parse


@dataclass(frozen=True)
class Surroundings:
    """What a rule runs in."""

    scrape_seconds: float
    retention_seconds: float
    external_labels: frozenset[str]
    is_counter: Mapping[str, bool]
    recorded_every: Mapping[str, float]
    """Seconds between the samples of what rules record."""


@pytest.fixture(scope="session")
def surroundings(repository: Path, rules: list[Rule]) -> Surroundings:
    configured = yaml.safe_load((repository / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    compose = (repository / "docker-compose.yml").read_text(encoding="utf-8")
    retention = re.search(r"--storage\.tsdb\.retention\.time=\$\{PROMETHEUS_RETENTION_TIME:-(\w+)\}", compose)
    assert retention is not None
    own = [
        entry
        for room in ("qdrant", "dragonfly", "gpu", "hnsw", "logs", "inbox", "instrument")
        for entry in metrics_of(room)
    ]
    seconds = parse_duration_seconds(configured["global"]["evaluation_interval"])
    intervals = read_intervals(repository)
    return Surroundings(
        parse_duration_seconds(configured["global"]["scrape_interval"]),
        parse_duration_seconds(retention[1]),
        frozenset(configured["global"]["external_labels"]),
        {name: entry.kind in ("counter", "histogram", "summary") for entry in own for name in entry.series},
        {rule.name: intervals.get(rule.group, seconds) for rule in rules if not rule.is_alert},
    )


def read_intervals(repository: Path) -> dict[str, float]:
    """Return the seconds between evaluations of the groups that have an interval of their own."""
    return {
        group["name"]: parse_duration_seconds(group["interval"])
        for path in (repository / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        if "interval" in group
    }


# ── Findings ─────────────────────────────────────────────────────────────────────────────────────────────


def nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every node of a parsed expression."""
    if isinstance(tree, dict):
        if "type" in tree:
            yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def calls(tree: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each function that is called on a range, and that range."""
    for node in nodes(tree):
        if node["type"] == "call":
            for argument in node["args"]:
                if argument["type"] in ("matrixSelector", "subquery"):
                    yield node["func"]["name"], argument


def find(body: Mapping[str, Any], tree: Any, around: Surroundings) -> Iterator[str]:
    """Yield what is wrong with a rule."""
    yield from find_in_windows(tree, around)
    yield from find_wrong_kinds(tree, around)
    if any(node["type"] == "call" and node["func"]["name"].startswith("absent") for node in nodes(tree)) and (
        parse_duration_seconds(body.get("for", "0s")) < 2 * around.scrape_seconds
    ):
        yield "an absence of less than two scrapes may be one failed scrape"
    for label in around.external_labels & set(body.get("labels", {})):
        yield f"the label `{label}` is overwritten by external_labels"
    if look_back(tree) > around.retention_seconds:
        yield "it looks further back than data is kept"


def find_in_windows(tree: Any, around: Surroundings) -> Iterator[str]:
    for function, argument in calls(tree):
        if argument["type"] == "matrixSelector" and function in OF_COUNTERS | OF_GAUGES | {
            "changes",
            "resets",
        }:
            every = around.recorded_every.get(argument["name"], around.scrape_seconds)
            if argument["range"] / 1000 < 2 * every:
                yield f"{function} of {argument['name']} needs two samples, which its window has not"


def find_wrong_kinds(tree: Any, around: Surroundings) -> Iterator[str]:
    for function, argument in calls(tree):
        if argument["type"] == "subquery":
            if function in OF_COUNTERS:
                yield f"{function} of a subquery takes the restart of one counter for one of them all"
            continue
        name = argument["name"]
        if name in around.recorded_every:
            continue
        counts = around.is_counter.get(
            name, name in BARE_COUNTERS or name.endswith(("_total", "_count", "_sum", "_bucket"))
        )
        if function in OF_COUNTERS and not counts:
            yield f"{function} of {name}, which is no counter"
        if function in OF_GAUGES and counts:
            yield f"{function} of {name}, which is a counter"


def look_back(tree: Any) -> float:
    """Return how many seconds back the oldest sample is that an expression reads."""
    if isinstance(tree, list):
        return max(map(look_back, tree), default=0.0)
    if not isinstance(tree, dict):
        return 0.0
    own: float = (tree.get("offset", 0) + tree.get("range", 0)) / 1000
    return own + max(map(look_back, tree.values()), default=0.0)


# ── The rules ────────────────────────────────────────────────────────────────────────────────────────────


BAD: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({"expr": "rate(http_requests_total[20s])"}, "rate of http_requests_total needs two samples"),
    ({"expr": "changes(dragonfly_up[15s])"}, "changes of dragonfly_up needs two samples"),
    ({"expr": "deriv(service_level:events:rate5m[90s])"}, "deriv of service_level:events:rate5m needs"),
    ({"expr": "rate(dragonfly_memory_usage_bytes[5m])"}, "which is no counter"),
    ({"expr": "increase(node_load5[5m])"}, "which is no counter"),
    ({"expr": "deriv(http_requests_total[5m])"}, "which is a counter"),
    ({"expr": "predict_linear(node_disk_read_bytes_total[6h], 60)"}, "which is a counter"),
    ({"expr": "rate(sum(http_requests_total)[5m:1m])"}, "rate of a subquery"),
    ({"expr": 'absent(up{job="app"})'}, "an absence of less than two scrapes"),
    ({"expr": 'absent(up{job="app"})', "for": "15s"}, "an absence of less than two scrapes"),
    ({"expr": "up == 0", "labels": {"stack": "mine"}}, "the label `stack` is overwritten"),
    ({"expr": "up - avg_over_time(up[30d] offset 1d)"}, "further back than data is kept"),
    ({"expr": "max_over_time(max_over_time(up[1w])[4w:1w])"}, "further back than data is kept"),
)


def test_no_rule_asks_what_its_series_cannot_answer(
    rules: list[Rule], parse: Parse, surroundings: Surroundings
) -> None:
    found = [
        f"{rule.name}: {what}" for rule in rules for what in find(rule.body, parse(rule.expr), surroundings)
    ]
    assert found == []


def test_a_rule_that_does_is_found(parse: Parse, surroundings: Surroundings) -> None:
    for body, words in BAD:
        found = list(find(body, parse(body["expr"]), surroundings))
        assert [what for what in found if words in what] == found != [], body["expr"]


def repeated(rules: list[Rule]) -> list[str]:
    """Return the rules whose results another one has as well, all but the value."""
    seen = Counter(
        (
            rule.name,
            *sorted(rule.body.get("labels", {}).items()),
            *(() if rule.is_alert else rule.expr.split()),
        )
        for rule in rules
    )
    return [str(key[0]) for key, count in seen.items() if count > 1]


def test_no_two_rules_say_the_same(rules: list[Rule]) -> None:
    assert repeated(rules) == []
    first = next(rule for rule in rules if not rule.is_alert)
    alert = next(rule for rule in rules if rule.is_alert)
    assert repeated([*rules, first, alert]) == [first.name, alert.name]

"""The catalogue of the GPU exporter."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.gpu.card_metrics import CARD_TABLE
from vectorwatch.gpu.metrics import (
    COUNT_TABLE,
    PRESENCE_TABLE,
    SLICE_TABLE,
    WATCH_TABLE,
    XID_TABLE,
    Slice,
)
from vectorwatch.gpu.snapshot import Card, MigInstance
from vectorwatch.serve.metric import Metric, Sink

TABLES: tuple[Any, ...] = (
    CARD_TABLE,
    COUNT_TABLE,
    PRESENCE_TABLE,
    SLICE_TABLE,
    WATCH_TABLE,
    XID_TABLE,
)
METRICS: list[Metric[Any]] = [metric for table in TABLES for metric in table.metrics]
GUIDE = Path(__file__).parents[3] / "docs" / "reference" / "gpu.md"
# Names that people already query.
REQUIRED = {"gpu_temperature_celsius", "gpu_vram_utilization_ratio"}


def card_values(card: Card) -> dict[str, Any]:
    return {metric.name: metric.value(card) for metric in CARD_TABLE.metrics}


def test_names_are_unique_and_of_this_exporter() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"gpu_[a-z0-9_]+", name) for name in names)
    assert set(names) >= REQUIRED


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_units_are_base_units_and_labels_collide_with_nothing(metric: Metric[Any]) -> None:
    assert not re.search(r"percent|_(ms|us|mhz|mb|kb|mib|milli\w+|watt|joule|degrees)(_|$)", metric.name)
    assert not {"type", "le", "quantile", "instance", "job", "uuid"} & set(metric.labels)
    assert metric.help.endswith(".")


def test_the_guide_names_no_metric_that_is_not_there() -> None:
    named = set(re.findall(r"\b(gpu_[a-z0-9_]+)\b", GUIDE.read_text()))
    kernel = {"gpu_up", "gpu_scrape_failed"}
    labels_and_values = {"gpu_exporter"}
    assert named - kernel - labels_and_values <= {metric.name for metric in METRICS}


def test_a_card_that_says_nothing_has_only_its_info() -> None:
    said = {
        name for name, value in card_values(Card(uuid="GPU-1", index=0)).items() if value not in (None, {})
    }
    assert said == {"gpu_info"}


def test_every_attribute_of_a_card_is_shown_somewhere() -> None:
    empty = card_values(Card(uuid="GPU-1", index=0))
    # Attributes that show only together with another one.
    pairs: dict[str, dict[str, Any]] = {
        "margin_celsius": {"margin_slowdown_celsius": 0.0},
        "margin_slowdown_celsius": {"margin_celsius": 0.0},
        "margin_shutdown_celsius": {"margin_celsius": 0.0},
    }
    mappings = {field.name for field in fields(Card) if "Mapping" in str(field.type)}
    for field in fields(Card):
        if field.name in ("uuid", "versions", "mig_instances"):
            continue
        value = {"x": 1.0} if field.name in mappings else "x" if field.type == "str" else 3
        changed = Card(**{"uuid": "GPU-1", "index": 0, **pairs.get(field.name, {}), field.name: value})
        assert card_values(changed) != empty, field.name


@pytest.mark.parametrize(
    ("said", "slowdown", "shutdown"),
    [
        ({"margin_celsius": 35, "margin_slowdown_celsius": -2, "margin_shutdown_celsius": -8}, 37, 43),
        (
            {
                "temperature_celsius": 46,
                "temperature_slowdown_celsius": 96,
                "temperature_shutdown_celsius": 101,
            },
            50,
            55,
        ),
        ({"temperature_celsius": 46, "margin_celsius": 35}, None, None),
    ],
    ids=["margins of Hopper", "thresholds of consumer cards", "neither"],
)
def test_the_degrees_left_mean_the_same_on_every_card(
    said: dict[str, float], slowdown: float | None, shutdown: float | None
) -> None:
    values = card_values(Card("GPU-1", 0, **said))  # type: ignore[arg-type]
    assert values["gpu_temperature_slowdown_margin_celsius"] == slowdown
    assert values["gpu_temperature_shutdown_margin_celsius"] == shutdown


@pytest.mark.parametrize(
    ("action", "name"), [(0, "none"), (4, "drain_and_reset"), (8, "other"), (99, "other")]
)
def test_exactly_one_recovery_action_is_set(action: int, name: str) -> None:
    states = card_values(Card("GPU-1", 0, recovery_action=action))["gpu_recovery_action"]
    assert [labels for labels, number in states.items() if number] == [(name,)]


def test_no_memory_is_no_ratio() -> None:
    card = Card("GPU-1", 0, memory_total_bytes=0, memory_used_bytes=0)
    assert card_values(card)["gpu_vram_utilization_ratio"] is None


def test_a_mig_instance_is_labelled_by_its_card_and_ids() -> None:
    sink = Sink(100)
    sink.add(SLICE_TABLE, [Slice("GPU-1", MigInstance(2, 0, "MIG-1", "3g.40gb", memory_used_bytes=5))])
    found = {family.name: family.samples for family in sink.families()}
    assert found == {
        "gpu_mig_info": [(("GPU-1", "2", "0", "MIG-1", "3g.40gb"), 1)],
        "gpu_mig_memory_used_bytes": [(("GPU-1", "2", "0"), 5)],
    }

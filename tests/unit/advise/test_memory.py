"""The bound of what a graph takes, and that the least number of queries is that of the alerts."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from vectorwatch.advise.evidence import LEAST_QUERIES
from vectorwatch.advise.memory import most_link_bytes, vector_bytes

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("m", [4, 16, 64])
def test_the_bound_is_what_full_links_on_levels_drawn_like_qdrants_take(m: int) -> None:
    draw, points = random.Random(1), 200_000
    levels = (round(-math.log(1 - draw.random()) / math.log(m)) for _ in range(points))
    links = sum(2 * m + level * m for level in levels)
    assert most_link_bytes(points, m) == pytest.approx(4 * links, rel=0.01)


def test_no_graph_takes_no_memory_and_a_graph_of_one_link_some() -> None:
    assert most_link_bytes(1000, 0) == 0
    assert most_link_bytes(1000, 1) > 8_000


def test_vectors_are_counted_as_32_bit_numbers() -> None:
    assert vector_bytes(1_000_000, 128) == 512_000_000


def test_advice_needs_as_many_queries_as_the_alerts_on_recall() -> None:
    rules = (REPOSITORY / "prometheus/rules/hnsw.yml").read_text(encoding="utf-8")
    assert f"hnsw_recall_window_queries >= {LEAST_QUERIES}\n" in rules

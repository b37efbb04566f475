from __future__ import annotations

import pytest

from vectorwatch.dashboards.ranking import rank_once


@pytest.mark.parametrize(
    ("expr", "ranked"),
    [
        ('topk(5, a{b="c"})', '(a{b="c"}) and topk(5, a{b="c"} @ end())'),
        (
            "bottomk(5, sum by (x) (rate(a{}[$__rate_interval])) / (b{} > 0))",
            "(sum by (x) (rate(a{}[$__rate_interval])) / (b{} > 0))"
            " and bottomk(5, sum by (x) (rate(a{}[$__rate_interval] @ end())) / (b{} @ end() > 0))",
        ),
        ("topk(5, a{} offset 1w)", "(a{} offset 1w) and topk(5, a{} @ end() offset 1w)"),
        ('topk(5, a{b=~"x{2}[3]"})', '(a{b=~"x{2}[3]"}) and topk(5, a{b=~"x{2}[3]"} @ end())'),
    ],
)
def test_the_series_of_a_ranking_are_those_of_its_end(expr: str, ranked: str) -> None:
    assert rank_once(expr) == ranked


@pytest.mark.parametrize(
    "expr", ["sum(topk(5, a{}))", "topk(5, a{}) + topk(5, b{})", "topk(5, a{}) or vector(0)", "max(a{})"]
)
def test_other_queries_stay_as_they_are(expr: str) -> None:
    assert rank_once(expr) == expr

"""The names and labels of the requirements."""

from __future__ import annotations

from typing import Any

import pytest

from vectorwatch.instrument import http_metrics
from vectorwatch.instrument.metric import Metric


@pytest.mark.parametrize(
    ("metric", "name", "labels"),
    [
        (http_metrics.REQUESTS, "http_requests_total", ("method", "endpoint", "status")),
        (http_metrics.DURATION, "http_request_duration_seconds", ("method", "endpoint")),
        (http_metrics.REQUEST_SIZE, "http_request_size_bytes", ("method", "endpoint")),
        (http_metrics.ACTIVE, "active_connections", ()),
    ],
)
def test_names_and_labels_are_those_of_the_requirements(
    metric: Metric[Any], name: str, labels: tuple[str, ...]
) -> None:
    assert (metric.name, metric.labels) == (name, labels)


def test_a_status_that_is_none_and_a_method_that_is_none_are_other() -> None:
    assert 600 not in http_metrics.STATUSES
    assert http_metrics.STATUSES[499] == "499"
    assert "BREW" not in http_metrics.METHODS

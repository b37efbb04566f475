"""An instant query of Prometheus: the path that asks it, and what its answer holds.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

Labels = Mapping[str, str]
Series = list[tuple[Labels, float]]


def query_path(query: str) -> str:
    """Return the path that asks for the value of `query` now."""
    return f"/api/v1/query?{urlencode({'query': query})}"


def read_series(content: Any) -> Series:
    """Return the series of an answer without those that are no number; ValueError where it holds none."""
    try:
        found = [(dict(one["metric"]), float(one["value"][1])) for one in content["data"]["result"]]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("no answer of an instant query") from error
    return [(labels, value) for labels, value in found if math.isfinite(value)]

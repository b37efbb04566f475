"""What each dashboard costs a Prometheus with about 100,000 active series, for six hours at once.

Every query of its panels, variables and annotations, with All chosen, as Grafana sends them at its opening.
Processor time of Prometheus, which meanwhile does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.loaded import HISTORY_SECONDS, REPOSITORY, SCRAPE_SECONDS, Loaded, loaded
from tests.bench.measure import Row
from tests.dashboards.queries import Dashboard, Query, built_ins, read_dashboards
from vectorwatch.demo.check import parse_duration_seconds

_SETTLING_SECONDS = 90.0
_SCREEN_POINTS = 1_880
"""Of a screen of 1,920 points in width, without the margins: so many points fall to the 24 columns."""
_STEPS = ((12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300))
"""Up to which seconds a point Grafana takes which step: `roundInterval` in packages/grafana-data."""
_ANNOTATION_STEP_SECONDS = 60
"""`ANNOTATION_QUERY_STEP_DEFAULT` in packages/grafana-prometheus."""
_ROUNDS = 3
_MOST_SECONDS = 1.0
_FOLDER = REPOSITORY / "grafana" / "dashboards"


def rows() -> Iterator[Row]:
    dashboards = read_dashboards(_FOLDER)
    if not dashboards:
        raise SystemExit(f"bench: {_FOLDER.relative_to(REPOSITORY)} has no dashboard; run `make dashboards`")
    prometheus = loaded()
    # The newest samples, then nothing besides the queries.
    prometheus.run(scrapes=True, rules=True)
    time.sleep(_SETTLING_SECONDS)
    end = time.time()
    prometheus.run(scrapes=False, rules=False)
    time.sleep(_SETTLING_SECONDS)
    yield Row("active series of Prometheus under the dashboards", prometheus.head_series(), "")
    for dashboard in dashboards:
        seconds = min(_open(prometheus, dashboard, end) for _ in range(_ROUNDS))
        yield Row(f"dashboard {dashboard.folder}/{dashboard.path.stem}", seconds, "s", _MOST_SECONDS)


def _open(prometheus: Loaded, dashboard: Dashboard, end: float) -> float:
    """Return the processor time in seconds that a dashboard costs Prometheus."""
    before = prometheus.processor_seconds()
    ask(prometheus, dashboard, end)
    return prometheus.processor_seconds() - before


def ask(prometheus: Loaded, dashboard: Dashboard, end: float) -> None:
    """Ask all that a dashboard asks when it shows the hours before the Unix time `end`."""
    by_step: dict[int, list[Query]] = {}
    for place, query in enumerate(dashboard.queries({})):
        step = _ANNOTATION_STEP_SECONDS if query.kind == "annotation" else step_seconds(query.panel)
        if step not in by_step:
            intervals = built_ins(HISTORY_SECONDS, step, SCRAPE_SECONDS)
            by_step[step] = dashboard.queries(intervals)
        path, parameters = by_step[step][place].request(end - HISTORY_SECONDS, end, step)
        prometheus.get(path, **parameters)


def step_seconds(panel: Mapping[str, Any]) -> int:
    """Return how far apart the points are that Grafana asks for; a variable has no panel."""
    points = panel.get("maxDataPoints") or _SCREEN_POINTS * panel.get("gridPos", {}).get("w", 24) // 24
    wanted = HISTORY_SECONDS / points
    step = next((step for most, step in _STEPS if wanted < most), round(wanted))
    least = parse_duration_seconds(str(panel.get("interval") or f"{SCRAPE_SECONDS}s"))
    return round(max(step, least))

"""What each dashboard costs a Prometheus with about 100,000 active series, for six hours at once.

Every query of its panels, variables and annotations, with All chosen, as Grafana sends them at its opening.
Processor time of Prometheus, which meanwhile does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.loaded import HISTORY_SECONDS, REPOSITORY, Loaded, loaded
from tests.bench.measure import Row
from tests.dashboards.queries import Dashboard, read_dashboards

_SETTLING_SECONDS = 90.0
_STEP_SECONDS = 30
"""Of a panel half as wide as a screen of 1,920 points."""
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
    for query in dashboard.queries({}):
        path, parameters = query.request(end - HISTORY_SECONDS, end, _STEP_SECONDS)
        prometheus.get(path, **parameters)

"""Which alerts have fired over a time, as Prometheus remembers it."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

_STEP_SECONDS = 5


@dataclass(frozen=True)
class Fired:
    """An alert that fired, and how many seconds after the begin of the time it was first seen."""

    alert: str
    severity: str
    seconds: float


def read_fired(url: str, begin: float, end: float) -> list[Fired]:
    """Return what fired between two times (seconds of the clock) except Watchdog, in the order of its time.

    Raises httpx.HTTPError.
    """
    asked = {
        "query": 'ALERTS{alertstate="firing", alertname!="Watchdog"}',
        "start": f"{begin:.3f}",
        "end": f"{end:.3f}",
        "step": str(_STEP_SECONDS),
    }
    answer = httpx.post(f"{url}/api/v1/query_range", data=asked, timeout=60, trust_env=False)
    first: dict[tuple[str, str], float] = {}
    for series in answer.raise_for_status().json()["data"]["result"]:
        key = (series["metric"]["alertname"], series["metric"].get("severity", ""))
        seen = float(series["values"][0][0]) - begin
        first[key] = min(seen, first.get(key, seen))
    found = [Fired(alert, severity, round(seen)) for (alert, severity), seen in first.items()]
    return sorted(found, key=lambda fired: fired.seconds)

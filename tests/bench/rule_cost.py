"""What the rules cost a Prometheus with about 100,000 active series: seconds of each interval of 15.

Processor time, with the rules less without them: unlike the clock it leaves out what else the machine does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.loaded import SCRAPE_SECONDS, Loaded, loaded
from tests.bench.measure import Row

_SETTLING_SECONDS = 60.0
_WATCHED_SECONDS = 360.0
_MOST_SHARE = 0.1
_SHOWN_GROUPS = 5


def rows() -> Iterator[Row]:
    prometheus = loaded()
    prometheus.run(scrapes=True, rules=True)
    with_rules, best = _watch(prometheus)
    yield Row("active series of Prometheus under the rules", prometheus.head_series(), "")
    prometheus.run(scrapes=True, rules=False)
    without, _ = _watch(prometheus)
    name = f"processor time of {len(best)} groups of rules in {SCRAPE_SECONDS} s"
    yield Row(name, with_rules - without, "s", _MOST_SHARE * SCRAPE_SECONDS)
    yield Row(f"processor time of {prometheus.targets()} scrapes in {SCRAPE_SECONDS} s", without, "s")
    yield Row(f"the rules by the clock in {SCRAPE_SECONDS} s, each group's best", sum(best.values()), "s")
    for group in sorted(best, key=lambda name: -best[name])[:_SHOWN_GROUPS]:
        yield Row(f"of these, group {group}", best[group], "s")


def _watch(prometheus: Loaded) -> tuple[float, dict[str, float]]:
    """Return the processor time in an interval of scrapes, and by group its best evaluation in one."""
    time.sleep(_SETTLING_SECONDS)
    best: dict[str, float] = {}
    begun, used = time.monotonic(), prometheus.processor_seconds()
    while time.monotonic() < begun + _WATCHED_SECONDS:
        for group in prometheus.get("rules")["groups"]:
            broken = [rule for rule in group["rules"] if rule["health"] == "err"]
            if broken:
                raise SystemExit(f"bench: the rule {broken[0]['name']} fails: {broken[0]['lastError']}")
            seconds = group["evaluationTime"] * SCRAPE_SECONDS / group["interval"]
            if seconds:
                best[group["name"]] = min(seconds, best.get(group["name"], seconds))
        time.sleep(SCRAPE_SECONDS)
    used = prometheus.processor_seconds() - used
    return used * SCRAPE_SECONDS / (time.monotonic() - begun), best

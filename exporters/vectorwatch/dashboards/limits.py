"""From the name of a threshold to the lines and colours of a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from vectorwatch.errors import ConfigError
from vectorwatch.rules.thresholds import Threshold

from .panel import (
    BYTES,
    BYTES_PER_SECOND,
    CELSIUS,
    COUNT,
    DAYS,
    DOLLARS,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    PERCENT,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    WATTS,
    Limits,
)

Thresholds = Mapping[str, Threshold]

_UNITS: Mapping[str, Sequence[str]] = {
    "bytes": (BYTES,),
    "bytes_per_second": (BYTES_PER_SECOND,),
    "celsius": (CELSIUS,),
    "count": (COUNT, NONE),
    "days": (DAYS,),
    "dollars": (DOLLARS,),
    "per_second": (REQUESTS_PER_SECOND, OPERATIONS_PER_SECOND, EVENTS_PER_SECOND),
    "percent": (PERCENT,),
    "ratio": (RATIO, NONE, COUNT),
    "score": (NONE, COUNT, RATIO),
    "seconds": (SECONDS,),
    "watts": (WATTS,),
}
"""By the unit of a threshold: those of a panel on which it may be drawn."""


def limit_steps(
    limits: Limits, unit: str, where: str, thresholds: Thresholds
) -> list[tuple[float | None, str]]:
    named = [(limits.warning, "orange"), (limits.critical, "red")]
    values = [(_value(name, unit, where, thresholds), colour) for name, colour in named if name]
    if not values:
        raise ConfigError(f"{where}: limits without a name; give `warning` or `critical`")
    if not limits.below:
        return [(None, "green"), *values]
    # From below: what is under the lowest limit has its colour, and what is over the highest is green.
    values.reverse()
    colours = [colour for _, colour in values] + ["green"]
    bounds: list[float | None] = [None, *(value for value, _ in values)]
    return list(zip(bounds, colours, strict=True))


def _value(name: str, unit: str, where: str, thresholds: Thresholds) -> float:
    if name not in thresholds:
        raise ConfigError(f"{where}: `{name}` is not in prometheus/thresholds.yml")
    threshold = thresholds[name]
    if threshold.unit == "milliseconds" and unit == SECONDS:
        return threshold.value / 1000
    if threshold.unit == "per_minute" and unit in _UNITS["per_second"]:
        return threshold.value / 60
    if unit not in _UNITS.get(threshold.unit, ()):
        raise ConfigError(f"{where}: is in `{unit}`, but the threshold `{name}` in {threshold.unit}")
    return threshold.value


def write_steps(steps: Sequence[tuple[float | None, str]]) -> builders.ThresholdsConfig:
    return (
        builders.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in steps])
    )

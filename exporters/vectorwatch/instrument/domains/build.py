"""What runs: version, commit, environment."""

from __future__ import annotations

from vectorwatch.instrument.metric import Gauge

from .limits import names

INFO = Gauge(
    "vital_build_info",
    "Always 1; the labels say what runs.",
    {"version": names(), "commit": names(), "environment": names()},
    multiprocess="livemax",
)


def build_info(version: str, commit: str, environment: str) -> None:
    """Say what runs; once, at the start."""
    INFO.set(1, version, commit, environment)

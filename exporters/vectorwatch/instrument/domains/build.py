"""What runs: version, commit, environment."""

from __future__ import annotations

from vectorwatch.instrument.labels import AtMost
from vectorwatch.instrument.metric import Gauge

_MOST = 100
INFO = Gauge(
    "vital_build_info",
    "Always 1; the labels say what runs.",
    # They stand in the build: a version such as 1.2.3.4 is no address.
    {name: AtMost(_MOST, of_code=True) for name in ("version", "commit", "environment")},
    multiprocess="livemax",
)


def build_info(version: str, commit: str, environment: str) -> None:
    """Say what runs; once, at the start."""
    INFO.set(1, version, commit, environment)

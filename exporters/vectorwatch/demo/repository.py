"""Where the repository is: the demo runs the configuration that lies in it."""

from __future__ import annotations

from pathlib import Path

from vectorwatch.errors import VectorwatchError

_LANDMARKS = (Path("prometheus/prometheus.yml"), Path("exporters/vectorwatch"))


def find_repository(start: Path | None = None) -> Path:
    """Return the root of the checkout around `start` (default: the working folder, then this file).

    Raises VectorwatchError outside a checkout: the package alone has no Prometheus configuration.
    """
    for origin in (start,) if start else (Path.cwd(), Path(__file__)):
        for folder in (origin.resolve(), *origin.resolve().parents):
            if all((folder / landmark).exists() for landmark in _LANDMARKS):
                return folder
    raise VectorwatchError(
        "demo: neither this folder nor one above it is Vectorwatch's repository; run it inside a checkout"
    )

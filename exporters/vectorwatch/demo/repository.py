"""Where the repository is: the demo runs the configuration that lies in it."""

from __future__ import annotations

from pathlib import Path

from vectorwatch.errors import VectorwatchError

_LANDMARK = Path("prometheus") / "prometheus.yml"


def find_repository(start: Path | None = None) -> Path:
    """Return the root of the checkout around `start` (default: the working folder, then this file).

    Raises VectorwatchError outside a checkout: the package alone has no Prometheus configuration.
    """
    for origin in (start,) if start else (Path.cwd(), Path(__file__)):
        for folder in (origin.resolve(), *origin.resolve().parents):
            if (folder / _LANDMARK).is_file() or (folder / "exporters" / "vectorwatch").is_dir():
                return folder
    raise VectorwatchError(
        f"demo: no `{_LANDMARK}` here or in any parent folder; run it inside a checkout of the repository"
    )

"""A stand-in for time: the series of now, written into the days before by Prometheus' own promtool."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_DAY = 86_400.0
_DAYS = 9
_SPARSE_SECONDS = 1_800.0
_DENSE_SECONDS = 60.0
_WEEK = 7 * _DAY
_DENSE_HOURS = 2.5
"""Around a week ago a rate needs a point each minute."""

Series = tuple[Mapping[str, str], float]


def list_times(now: float) -> list[float]:
    """Return the times (seconds of the clock) at which there is a point, the oldest first."""
    sparse = {
        now - _DAYS * _DAY + step * _SPARSE_SECONDS for step in range(int(_DAYS * _DAY / _SPARSE_SECONDS))
    }
    around = now - _WEEK - _DENSE_HOURS * 3600
    dense = {around + step * _DENSE_SECONDS for step in range(int(2 * _DENSE_HOURS * 3600 / _DENSE_SECONDS))}
    return sorted(sparse | dense)


def write_history(series: Sequence[Series], now: float, path: Path) -> None:
    """Write the past of each series as OpenMetrics: what counts has risen, the rest goes up and down."""
    times = list_times(now)
    by_name: dict[str, list[Series]] = {}
    for labels, value in series:
        by_name.setdefault(labels["__name__"], []).append((labels, value))
    with path.open("w", encoding="utf-8") as stream:
        for name, members in sorted(by_name.items()):
            stream.write(f"# TYPE {name} unknown\n")
            for labels, value in members:
                written = _write_labels(labels)
                stream.writelines(
                    f"{name}{written} {past!r} {time:.3f}\n" for time, past in _past(name, value, now, times)
                )
        stream.write("# EOF\n")


def make_blocks(promtool: Path, source: Path, storage: Path) -> None:
    """Turn OpenMetrics into blocks beside those that Prometheus has; it finds them within a minute."""
    # Few blocks: promtool reads all of the source once for each.
    few = f"--max-block-duration={_DAYS + 1}d"
    command = [str(promtool), "tsdb", "create-blocks-from", few, "openmetrics", "--quiet"]
    done = subprocess.run([*command, str(source), str(storage)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _past(name: str, value: float, now: float, times: Sequence[float]) -> Iterator[tuple[float, float]]:
    counts = name.endswith(("_total", "_bucket", "_count", "_sum"))
    for time in times:
        age = (now - time) / (_DAYS * _DAY)
        yield time, value * (1 - age) if counts else value * (1 + 0.05 * math.sin(time / 7_200) - 0.1 * age)


def _write_labels(labels: Mapping[str, str]) -> str:
    pairs = (
        f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in labels.items() if key != "__name__"
    )
    return "{" + ",".join(pairs) + "}"

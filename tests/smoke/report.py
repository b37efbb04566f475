"""What the smoke test found: lines for people, `build/smoke.json` for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.smoke.images.recipe import Provided
from tests.smoke.measure import Use

_MEBI = 2**20


@dataclass(frozen=True)
class Result:
    """One check; `detail` says what was seen, or what is wrong."""

    check: str
    ok: bool
    detail: str
    seconds: float


@dataclass
class Report:
    """Everything that was found, as far as the run came."""

    engine: str = ""
    images: list[Provided] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)
    """Services without an image, or without the hardware, and why."""
    results: list[Result] = field(default_factory=list)
    healthy_seconds: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """By step (`up`, `up with demo`): seconds until each service was healthy."""
    use: dict[str, Mapping[str, Use]] = field(default_factory=dict)
    """By load (`idle`, `demo`): what each service uses."""
    image_bytes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether checks were made and all of them passed."""
        return bool(self.results) and all(result.ok for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        plain: dict[str, Any] = _round({"ok": self.ok, **asdict(self)})
        return plain


def write_json(report: Report, path: Path) -> None:
    """Write the report to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.as_json(), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_image(provided: Provided) -> str:
    """Return the line of an image."""
    kind = {"none": "NOT RUN", "stand-in": "STAND-IN"}.get(provided.kind, provided.kind)
    return f"  {provided.image:<60} {kind:<9} {provided.what}".rstrip()


def write_result(result: Result) -> str:
    """Return the line of a check."""
    return (
        f"  {'ok    ' if result.ok else 'FAILED'} {result.check:<32}{result.seconds:6.0f} s  {result.detail}"
    )


def write_figures(report: Report) -> Sequence[str]:
    """Return the table of what each service costs."""
    idle, loaded = report.use.get("idle", {}), report.use.get("demo", {})
    steps = report.healthy_seconds
    first = {**steps.get("up with demo", {}), **steps.get("up", {})}
    lines = [f"  {'service':<24}{'healthy':>10}{'idle':>22}{'under the demo load':>24}"]
    for name in sorted({*idle, *loaded}):
        healthy = f"{first[name]:.1f} s" if name in first else ""
        lines.append(
            f"  {name:<24}{healthy:>10}{_write_use(idle.get(name)):>22}{_write_use(loaded.get(name)):>24}"
        )
    lines += [f"  {image:<60}{size / 1e6:8.0f} MB" for image, size in sorted(report.image_bytes.items())]
    return lines


def _round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _round(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_round(part) for part in value]
    return round(value, 3) if isinstance(value, float) else value


def _write_use(use: Use | None) -> str:
    return "" if use is None else f"{use.memory_bytes / _MEBI:.0f} MiB {use.cores * 100:5.1f} %"

"""Every metric and every setting, read from the code, and the reference pages written from them.

`python -m vectorwatch.catalogue docs/reference` writes `metrics.md` and `settings.md`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic.fields import FieldInfo

from .dragonfly import metrics as dragonfly
from .dragonfly.settings import DragonflySettings
from .gpu import card_metrics as gpu_cards
from .gpu import metrics as gpu
from .gpu.settings import GpuSettings
from .hnsw import metrics as hnsw
from .hnsw.settings import HnswSettings
from .hnsw.state import TargetState
from .inbox.metrics import InboxMetrics
from .inbox.metrics import __name__ as inbox_module
from .inbox.settings import InboxSettings
from .qdrant import metrics as qdrant
from .qdrant.settings import QdrantSettings
from .serve.metric import Sink, Table
from .serve.scrape import outcome_table
from .settings import Settings

_HEADER = "<!-- Written by `make reference`; edit the code, not this page. -->\n"
_MODULES: dict[str, tuple[ModuleType, ...]] = {
    "qdrant": (qdrant,),
    "dragonfly": (dragonfly,),
    "gpu": (gpu, gpu_cards),
    "hnsw": (hnsw,),
    "inbox": (sys.modules[inbox_module],),
}
_SETTINGS: dict[str, type[Settings]] = {
    "Qdrant exporter": QdrantSettings,
    "Dragonfly exporter": DragonflySettings,
    "GPU exporter": GpuSettings,
    "HNSW probe": HnswSettings,
    "Inbox": InboxSettings,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric; `labels` are those of its series, `le` of a histogram left out."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


def metrics_of(room: str) -> list[Entry]:
    """Return the metrics of a room, in order of their names."""
    entries = [*_from_tables(room), *_from_registries(room)]
    return sorted(entries, key=lambda entry: entry.name)


def _from_tables(room: str) -> Iterator[Entry]:
    tables: dict[int, Table[Any]] = {
        id(value): value
        for module in _MODULES[room]
        for value in vars(module).values()
        if isinstance(value, Table)
    }
    if room != "inbox":
        tables[0] = outcome_table(room)
    for table in tables.values():
        for metric in table.metrics:
            yield Entry(metric.name, metric.kind.value, table.labels + metric.labels, metric.help)


def _from_registries(room: str) -> Iterator[Entry]:
    registries: list[CollectorRegistry] = []
    if room == "inbox":
        registries.append(CollectorRegistry())
        InboxMetrics(registries[0])
    if room == "hnsw":
        sink = Sink(0)
        hnsw.expose(TargetState(time.monotonic, 1), sink, stale_after_seconds=1, max_series=0)
        registries.extend(sink.registries)
    for registry in registries:
        for family in registry.collect():
            suffix = "_total" if family.type == "counter" else ""
            # A family without a series knows its labels; one with series has them there.
            labels = tuple(
                next((sample.labels for sample in family.samples), vars(family).get("_labelnames", ()))
            )
            yield Entry(
                family.name + suffix,
                family.type,
                tuple(label for label in labels if label != "le"),
                family.documentation,
            )


def metrics_page() -> str:
    """Return docs/reference/metrics.md."""
    parts = [_HEADER, "# Metrics\n"]
    for room in _MODULES:
        rows = (
            f"| `{entry.name}` | {entry.kind} | {', '.join(entry.labels)} | {_cell(entry.help)} |\n"
            for entry in metrics_of(room)
        )
        parts.append(f"## {room}\n\n| name | kind | labels | meaning |\n|---|---|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def settings_page() -> str:
    """Return docs/reference/settings.md."""
    parts = [
        _HEADER,
        "# Settings\n",
        "Each setting is an environment variable, or a key of the YAML file that `--config` or the variable\n"
        "`…_CONFIG` names. The environment wins. Lists and objects in variables are JSON. A wrong or\n"
        "unknown setting is one line at the start and exit code 2.\n",
    ]
    for title, model in _SETTINGS.items():
        prefix = model.model_config["env_prefix"]
        rows = (
            f"| `{prefix}{name.upper()}` | {_default(field)} | {_cell(field.description or '')} |\n"
            for name, field in model.model_fields.items()
        )
        parts.append(f"## {title}\n\n| variable | default | meaning |\n|---|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see there"
    if field.default in (None, "", [], ()):
        return ""
    return f"`{field.default}`"


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description="Write the reference pages from the code.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {"metrics.md": metrics_page(), "settings.md": settings_page()}


if __name__ == "__main__":
    main()

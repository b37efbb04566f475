"""Every metric and every setting, read from the code, and the reference pages written from them.

`python -m vectorwatch.catalogue docs/reference` writes `metrics.md`, `settings.md`, `track.md`,
`dashboards.md`, `kibana.md` and `versions.md`.
Which rules use a metric stands in `prometheus/rules/` of the checkout.
"""

from __future__ import annotations

import argparse
import inspect
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from pydantic.fields import FieldInfo

from .backup import metrics as backup
from .benchmark import metrics as benchmark
from .benchmark.settings import BenchmarkSettings
from .dashboards.reference import dashboards_page, shown_on
from .dragonfly import metrics as dragonfly
from .dragonfly.settings import DragonflySettings
from .elastic.saved_objects.reference import kibana_page
from .gpu import card_metrics as gpu_cards
from .gpu import metrics as gpu
from .gpu.settings import GpuSettings
from .hnsw import metrics as hnsw
from .hnsw.settings import HnswSettings
from .hnsw.state import TargetState
from .inbox.metrics import InboxMetrics
from .inbox.metrics import __name__ as inbox_module
from .inbox.settings import InboxSettings
from .instrument import prices, track
from .instrument.domains import limits
from .instrument.metric import Metric
from .instrument.operation import Operation
from .logs import logstash_metrics
from .logs import metrics as logs
from .logs.settings import LogsSettings
from .pins import versions_page
from .qdrant import metrics as qdrant
from .qdrant.settings import QdrantSettings
from .serve.metric import Sink, Table
from .serve.scrape import outcome_table
from .settings import Settings
from .status.settings import StatusSettings

_HEADER = "<!-- Written by `make reference`; edit the code, not this page. -->\n"
_MODULES: dict[str, tuple[ModuleType, ...]] = {
    "qdrant": (qdrant,),
    "dragonfly": (dragonfly,),
    "gpu": (gpu, gpu_cards),
    "hnsw": (hnsw,),
    "logs": (logs, logstash_metrics),
    "benchmark": (benchmark,),
    "backup": (backup,),
    "inbox": (sys.modules[inbox_module],),
}
_EMITTERS = {
    "qdrant": "Qdrant exporter",
    "dragonfly": "Dragonfly exporter",
    "gpu": "GPU exporter",
    "hnsw": "HNSW probe",
    "logs": "Log exporter",
    "benchmark": "Benchmarks",
    "backup": "`make backup`, by node_exporter",
    "inbox": "Inbox",
}
_RULES = Path(__file__).parents[2] / "prometheus" / "rules"
_UNITS = ("seconds", "bytes", "ratio", "percent", "celsius", "dollars", "watts", "hertz", "joules", "volts")
_SETTINGS: dict[str, type[Settings]] = {
    "Qdrant exporter": QdrantSettings,
    "Dragonfly exporter": DragonflySettings,
    "GPU exporter": GpuSettings,
    "HNSW probe": HnswSettings,
    "Log exporter": LogsSettings,
    "Benchmarks": BenchmarkSettings,
    "Inbox": InboxSettings,
    "Status API": StatusSettings,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric; `labels` are those of its series, `le` of a histogram left out."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    emitter: str = ""
    """What records it, where the room does not say."""

    @property
    def unit(self) -> str:
        """The base unit that the name says, or an empty text for a plain number."""
        words = self.name.removesuffix("_total").split("_")
        return next((word for word in reversed(words) if word in _UNITS), "")

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series."""
        suffixes = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
        return tuple(self.name + suffix for suffix in suffixes.get(self.kind, ("",)))


def metrics_of(room: str) -> list[Entry]:
    """Return the metrics of a room, `instrument` being one, in order of their names."""
    if room == "instrument":
        return application_metrics()
    entries = [*_from_tables(room), *_from_registries(room)]
    return sorted(entries, key=lambda entry: entry.name)


@cache
def application_metrics() -> list[Entry]:
    """Return what an application emits that is instrumented with the library, in order of names."""
    from . import instrument

    emitters: dict[str, list[str]] = {}
    found: dict[str, Entry] = {}
    for info in pkgutil.walk_packages(instrument.__path__, f"{instrument.__name__}."):
        home = info.name.rpartition(".")[2]
        names = [f"`track.{name}`" for name in track.HOMES if track.HOMES[name] == home]
        for value in vars(import_module(info.name)).values():
            entry = _as_entry(value)
            if entry is not None:
                found[entry.name] = entry
                emitters.setdefault(entry.name, []).extend(names)
    return [replace(found[name], emitter=", ".join(emitters[name])) for name in sorted(found)]


def _as_entry(value: object) -> Entry | None:
    if isinstance(value, Metric):
        return Entry(value.name, type(value).__name__.lower(), value.labels, value.help)
    if isinstance(value, MetricWrapperBase):
        family = next(iter(value.describe()))
        suffix = "_total" if family.type == "counter" else ""
        return Entry(family.name + suffix, family.type, tuple(value._labelnames), family.documentation)
    return None


def uses(rules: Path = _RULES) -> Mapping[str, list[str]]:
    """Return by name of a series the rules whose expression has it: alerts, and records in backquotes."""
    used: dict[str, list[str]] = {}
    for path in sorted(rules.glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                name = rule.get("alert") or f"`{rule['record']}`"
                bare = re.sub(r'"[^"]*"', "", rule["expr"])
                for word in dict.fromkeys(re.findall(r"[a-zA-Z_:][\w:]*", bare)):
                    if name not in used.setdefault(word, []):
                        used[word].append(name)
    return used


def _from_tables(room: str) -> Iterator[Entry]:
    tables: dict[int, Table[Any]] = {
        id(value): value
        for module in _MODULES[room]
        for value in vars(module).values()
        if isinstance(value, Table)
    }
    if room not in ("backup", "benchmark", "inbox"):
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
    parts = [
        _HEADER,
        "# Metrics\n",
        "Everything that the exporters, the probe, the inbox and instrumented applications emit.\n"
        "A histogram `x` has the series `x_bucket`, `x_sum` and `x_count`, a summary `x_sum` and `x_count`.\n"
        "Without a unit it is a plain number. *Used by*: alerts, and in code type what a rule records.\n"
        "*Shown on*: [dashboards](dashboards.md).\n",
    ]
    used = Uses(uses(), shown_on())
    parts.extend(
        f"## {room}\n\nEmitted by: {_EMITTERS[room]}.\n\n{_table(metrics_of(room), used)}"
        for room in _MODULES
    )
    parts.append(
        "## Applications\n\nEmitted by: your service, with `vectorwatch.instrument`. What ends a block from\n"
        "outside (a cancelled task, a closed generator, Ctrl-C) has the status `cancelled` and is no error.\n"
    )
    entries = application_metrics()
    for emitter in sorted({entry.emitter for entry in entries}):
        own = [entry for entry in entries if entry.emitter == emitter]
        title = f"Recorded by {emitter}." if emitter else "Recorded by the library itself, without a call."
        parts.append(f"{_about(emitter)}{title}\n\n{_table(own, used)}")
    return "\n".join(parts)


def _join(entry: Entry, by_name: Mapping[str, list[str]]) -> str:
    return ", ".join(dict.fromkeys(user for name in entry.series for user in by_name.get(name, ())))


def _about(emitter: str) -> str:
    """Return a heading and what the module says of the domain, if these names of `track` are of one."""
    homes = {track.HOMES[name] for name in re.findall(r"track\.(\w+)", emitter)}
    if len(homes) != 1:
        return ""
    home = homes.pop()
    text = import_module(f"{track.__package__}.domains.{home}").__doc__ or ""
    return f"### {home.replace('_', ' ')}\n\n{text.strip()}\n\n"


@dataclass(frozen=True, slots=True)
class Uses:
    """By name of a series: the rules whose expression has it, and the dashboards that show it."""

    rules: Mapping[str, list[str]]
    dashboards: Mapping[str, list[str]]


def _table(entries: Iterable[Entry], used: Uses) -> str:
    rows = []
    for entry in entries:
        cells = (
            *(f"`{entry.name}`", entry.kind, ", ".join(entry.labels), entry.unit, _cell(entry.help)),
            *(_join(entry, by_name) for by_name in (used.rules, used.dashboards)),
        )
        rows.append(f"| {' | '.join(cells)} |\n")
    head = "| name | kind | labels | unit | meaning | used by | shown on |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(rows)


def track_page() -> str:
    """Return docs/reference/track.md."""
    parts = [
        _HEADER,
        "# What an application can record\n",
        "`from vectorwatch.instrument import track`; a domain is imported when a name of it is first used.\n"
        "An *operation* is used as `with track.…:`, `async with track.…:` or as a decorator: it is timed,\n"
        "what is raised inside is recorded and goes on to the caller, and with tracing on it is a span.\n"
        "The metrics of each name, and what the domains mean, stand in [Metrics](metrics.md#applications).\n",
    ]
    for home in dict.fromkeys(track.HOMES.values()):
        names = [name for name in track.HOMES if track.HOMES[name] == home]
        parts.append(f"## {home.replace('_', ' ')}\n\n" + "".join(_signature(name) for name in names))
    return "\n".join(parts)


def _signature(name: str) -> str:
    found = getattr(track, name)
    is_operation = isinstance(found, type)
    lines = [f"- `track.{name}{_arguments(found)}`{', an operation' if is_operation else ''}: {_doc(found)}"]
    if is_operation:
        lines.extend(
            f"  - `.{key}{_arguments(value)}`: {_doc(value)}"
            for key, value in vars(found).items()
            if inspect.isfunction(value) and not key.startswith("_") and key not in vars(Operation)
        )
    return "".join(f"{line}\n" for line in lines)


def _arguments(function: Callable[..., Any]) -> str:
    """Return the parameters and their defaults; types would hide both, and editors show them."""
    signature = inspect.signature(function)
    shown = [
        value.replace(annotation=value.empty)
        for name, value in signature.parameters.items()
        if name != "self"
    ]
    return str(inspect.Signature(shown)).replace("'", '"')


def _doc(function: object) -> str:
    return " ".join((inspect.getdoc(function) or "").split())


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
    limit_rows = (
        f"| `{limits.PREFIX}{what}` | `{most}` | {meaning} |\n"
        for what, (most, meaning) in limits.DEFAULTS.items()
    )
    parts.append(
        "## Instrumentation library\n\n"
        "Read by the application at its start. A value beyond a limit becomes `other`.\n\n"
        "| variable | default | meaning |\n|---|---|---|\n"
        f"{''.join(limit_rows)}"
        f"| `{prices.VARIABLE}` |  | File of prices of language models, of the form of "
        "`exporters/vectorwatch/instrument/prices.yml`; its models are added to those, and win. |\n"
    )
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
    return {
        "metrics.md": metrics_page(),
        "settings.md": settings_page(),
        "track.md": track_page(),
        "dashboards.md": f"{_HEADER}\n{dashboards_page()}",
        "kibana.md": f"{_HEADER}\n{kibana_page()}",
        "versions.md": f"{_HEADER}\n{versions_page(_RULES.parents[1])}",
    }


if __name__ == "__main__":
    main()

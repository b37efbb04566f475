"""Jaeger in the demo: run where it is installed or was built, with the repository's own configuration."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from vectorwatch.demo.ports import HOST
from vectorwatch.demo.rendering import replace_addresses

MISSING = "demo: no Jaeger here, so no traces; `make jaeger` builds it once (needs Go; some minutes)"


def find_jaeger(tools: Path, path: str | None = None) -> Path | None:
    """Return the program `jaeger` of PATH (or `path`), else what `make jaeger` has built into `tools`.

    Version 1 had no program of this name.
    """
    on_path = shutil.which("jaeger", path=path)
    built = tools / "jaeger" / "jaeger"
    if on_path:
        return Path(on_path).absolute()
    return built if built.is_file() else None


def render_jaeger(source: Path, folder: Path, ports: Mapping[str, int], data: Path) -> Sequence[Path]:
    """Copy `source`, a folder `jaeger/`, and return what Jaeger is to read, the later file over the earlier.

    The second holds what differs from a container: addresses, ports, and that data is kept in `data`.
    """
    folder.mkdir(parents=True)
    shutil.copy(source / "ui.json", folder)
    main, own = folder / "config.yml", folder / "demo.yml"
    main.write_text(replace_addresses((source / "config.yml").read_text(encoding="utf-8"), ports))
    own.write_text(yaml.safe_dump(_describe_differences(folder, ports, data), sort_keys=False))
    return main, own


def _describe_differences(folder: Path, ports: Mapping[str, int], data: Path) -> Mapping[str, object]:
    def at(service: str) -> dict[str, str]:
        return {"endpoint": f"{HOST}:{ports[service]}"}

    own_metrics = {"prometheus": {"host": HOST, "port": ports["jaeger-metrics"]}}
    badger = {"directories": {"keys": str(data / "keys"), "values": str(data / "values")}}
    return {
        "service": {"telemetry": {"metrics": {"readers": [{"pull": {"exporter": own_metrics}}]}}},
        "receivers": {"otlp": {"protocols": {"grpc": at("jaeger-otlp-grpc"), "http": at("jaeger-otlp")}}},
        "exporters": {"prometheus": at("jaeger-spanmetrics")},
        "extensions": {
            "jaeger_storage": {"backends": {"main": {"badger": badger}}},
            "jaeger_query": {
                "ui": {"config_file": str(folder / "ui.json")},
                "http": at("jaeger"),
                "grpc": at("jaeger-query-grpc"),
            },
            "healthcheckv2": {"http": at("jaeger-health")},
        },
    }

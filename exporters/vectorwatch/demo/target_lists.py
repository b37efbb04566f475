"""The lists in `prometheus/targets/` as the demo uses them, rendered again whenever one is saved.

The demo's servers stand in them whatever a user has made of those, the cache as one that speaks no HTTP, for
it is Valkey.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vectorwatch.demo.ports import HOST
from vectorwatch.demo.rendering import parse_yaml, replace_addresses
from vectorwatch.errors import VectorwatchError

_LISTED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "qdrant.yml": ("qdrant", {}),
    "dragonfly.yml": ("dragonfly", {"__native_metrics__": "no"}),
    "gpu.yml": ("gpu-exporter", {}),
    "app.yml": ("demo-app", {}),
}
"""By list of targets: the demo's service in it, and its labels (see docs/how-to/add-targets.md)."""


class TargetLists:
    """The lists of `source` in `destination`, with the addresses of `ports`."""

    def __init__(self, source: Path, destination: Path, ports: Mapping[str, int]) -> None:
        self._source = source
        self._destination = destination
        self._ports = ports
        self._seen: dict[str, bytes | None] = {}

    def render(self) -> None:
        """Render every list. Raises VectorwatchError for one that cannot be read or is no list of targets."""
        for name in self._names():
            self._render(name, self._read(name))

    def follow(self) -> list[str]:
        """Render the lists that were saved since the last look; return one line for each.

        One with a mistake keeps the targets it had, as with Prometheus itself.
        """
        reports = []
        for name in self._names():
            content = self._read(name)
            if name in self._seen and content == self._seen[name]:
                continue
            try:
                self._render(name, content)
                reports.append(f"demo: prometheus/targets/{name} was saved and is followed")
            except VectorwatchError as error:
                reports.append(f"{error}; until then its targets stay as they were")
        return reports

    def _names(self) -> list[str]:
        return sorted({*_LISTED, *self._seen, *(path.name for path in self._source.glob("*.yml"))})

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._source / name).read_bytes()
        except FileNotFoundError:
            return b""  # a deleted list is an emptied one
        except OSError:
            return None

    def _render(self, name: str, content: bytes | None) -> None:
        self._seen[name] = content  # also when it is wrong: a mistake is told once
        if content is None:
            raise VectorwatchError(f"demo: targets/{name} cannot be read; give yourself the right to")
        # Latin-1 maps every byte to a character and back, whatever a user has put there.
        rendered = replace_addresses(content.decode("latin-1"), self._ports).encode("latin-1")
        groups = _parse_groups(rendered, f"targets/{name}")
        if name in _LISTED:
            service, labels = _LISTED[name]
            rendered = _list_target(rendered, groups, f"{HOST}:{self._ports[service]}", labels)
        self._replace(name, rendered)

    def _replace(self, name: str, rendered: bytes) -> None:
        # Beside it and then renamed: Prometheus and the exporters never read half a list.
        scratch = self._destination / f".{name}.new"
        try:
            scratch.write_bytes(rendered)
            scratch.replace(self._destination / name)
        except OSError as error:
            raise VectorwatchError(f"demo: cannot write {scratch}: {error.strerror}") from error


def _parse_groups(content: bytes, name: str) -> list[dict[str, Any]]:
    groups = parse_yaml(content, name) or []
    if not isinstance(groups, list) or not all(
        isinstance(group, dict) and isinstance(group.get("targets") or [], list) for group in groups
    ):
        raise VectorwatchError(
            f"demo: {name} is no list of targets; write lines like `- targets: [host.example.net:9100]`"
        )
    return groups


def _list_target(
    rendered: bytes, groups: list[dict[str, Any]], address: str, labels: Mapping[str, str]
) -> bytes:
    listed = [group for group in groups if address in (group.get("targets") or [])]
    if listed and not labels:
        return rendered
    for group in listed:
        group["targets"].remove(address)
    kept = [group for group in groups if group.get("targets")]
    return yaml.safe_dump([*kept, {"targets": [address], "labels": dict(labels)}]).encode()

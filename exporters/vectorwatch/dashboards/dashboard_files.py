"""The dashboards of a folder of JSON files, read and checked before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectorwatch.errors import ConfigError

_VARIABLE = "datasource"
"""The variable by which every panel names its data source."""


@dataclass(frozen=True)
class DashboardFile:
    """A dashboard and the title of its folder."""

    folder: str
    model: Mapping[str, Any]

    @property
    def uid(self) -> str:
        """Return what it is known by in Grafana, whatever its title."""
        return str(self.model["uid"])

    @property
    def title(self) -> str:
        """Return its title."""
        return str(self.model["title"])

    @property
    def folder_uid(self) -> str:
        """Return what its folder is known by, so that renaming the folder there does no harm.

        Where Grafana keeps folders and dashboards in one table, none may have the uid of another.
        """
        return f"vw-folder-{self.folder.lower().replace(' ', '-')}"


def read_dashboards(source: Path, folders: Sequence[str]) -> list[DashboardFile]:
    """Return the dashboards of `source/<folder>/*.json`, of `folders` alone if any are given.

    Raises ConfigError with a line for each problem.
    """
    if not source.is_dir():
        raise ConfigError(f"dashboards: no folder {source}; is the checkout complete?")
    paths = sorted(source.glob("*/*.json"))
    if not paths:
        raise ConfigError(
            f"dashboards: {source} holds no <folder>/<name>.json; `make dashboards` writes them"
        )
    there = sorted({path.parent.name for path in paths})
    unknown = [name for name in folders if name not in there]
    if unknown:
        raise ConfigError(f"dashboards: --folder: no {', '.join(unknown)}; there are {', '.join(there)}")
    problems: list[str] = []
    found: dict[str, DashboardFile] = {}
    for path in paths:
        if folders and path.parent.name not in folders:
            continue
        try:
            dashboard = DashboardFile(path.parent.name, _read(path))
        except ConfigError as error:
            problems += error.problems
            continue
        if dashboard.uid in found:
            problems.append(
                f"dashboards: {path}: its uid {dashboard.uid} is that of another file; give it one of its own"
            )
        found[dashboard.uid] = dashboard
    if problems:
        raise ConfigError(problems)
    return list(found.values())


def start_with(dashboard: DashboardFile, uid: str, name: str) -> DashboardFile:
    """Return a dashboard whose variable `datasource` starts with the data source `uid`."""
    templating = dashboard.model.get("templating", {})
    current = {"selected": True, "text": name, "value": uid}
    variables = [
        {**variable, "current": current} if variable.get("name") == _VARIABLE else variable
        for variable in templating.get("list", [])
    ]
    return DashboardFile(
        dashboard.folder, {**dashboard.model, "templating": {**templating, "list": variables}}
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"dashboards: cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(
            f"dashboards: {path} is no JSON ({error}); `make dashboards` writes it anew"
        ) from None
    if not (isinstance(model, dict) and model.get("title")):
        raise ConfigError(f"dashboards: {path} is no dashboard: it needs a `title`")
    if not re.fullmatch(r"[\w-]{1,40}", str(model.get("uid")), re.ASCII):  # what Grafana takes
        raise ConfigError(f"dashboards: {path}: its `uid` must be at most 40 letters, digits, - and _")
    return model

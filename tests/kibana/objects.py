"""kibana/saved-objects/, read: what an object asks for, out of the JSON within its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "kibana/saved-objects"

SavedObject: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Lens:
    """The parts of a Lens panel that must fit each other."""

    name: str
    kind: str
    columns: Mapping[str, Mapping[str, Any]]
    order: Sequence[str]
    visualization: Mapping[str, Any]
    query: str


def read_objects() -> Sequence[SavedObject]:
    """Return every object of the repository."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.ndjson")))
    return [json.loads(line) for text in texts for line in text.splitlines()]


def read_boards() -> Sequence[SavedObject]:
    """Return the dashboards."""
    return [saved for saved in read_objects() if saved["type"] == "dashboard"]


def read_panels(board: SavedObject) -> Sequence[Mapping[str, Any]]:
    """Return the panels of a dashboard."""
    panels: Sequence[Mapping[str, Any]] = json.loads(board["attributes"]["panelsJSON"])
    return panels


def read_filters(board: SavedObject) -> Mapping[str, Mapping[str, Any]]:
    """Return what a dashboard may be filtered by."""
    filters: Mapping[str, Mapping[str, Any]] = json.loads(
        board["attributes"]["controlGroupInput"]["panelsJSON"]
    )
    return filters


def read_lenses(board: SavedObject) -> Iterator[Lens]:
    """Yield the charts, tables and numbers of a dashboard."""
    for panel in read_panels(board):
        if panel["type"] != "lens":
            continue
        attributes = panel["embeddableConfig"]["attributes"]
        state = attributes["state"]
        (layer,) = state["datasourceStates"]["formBased"]["layers"].values()
        yield Lens(
            panel["panelIndex"],
            attributes["visualizationType"],
            layer["columns"],
            layer["columnOrder"],
            state["visualization"],
            state["query"]["query"],
        )


def read_queries(saved: SavedObject) -> Sequence[str]:
    """Return all KQL of an object."""
    if saved["type"] == "index-pattern":
        return []
    source = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    queries = [source["query"]["query"]]
    for lens in read_lenses(saved) if saved["type"] == "dashboard" else ():
        columns = lens.columns.values()
        queries += [lens.query, *(column["filter"]["query"] for column in columns if "filter" in column)]
    return queries

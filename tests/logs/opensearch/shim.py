"""What OpenSearch 2.19 lacks of Elasticsearch 9: bodies are changed as far as it takes them, no further.

Each change leaves something unproven here; `LACKS` is the list, and docs/reference/logs.md shows it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Lack:
    """One thing that is changed before OpenSearch gets it."""

    what: str
    unproven: str
    change: Callable[[Body], None]


def _walk(node: Any, change: Callable[[Body], None]) -> None:
    if isinstance(node, dict):
        change(node)
        for value in node.values():
            _walk(value, change)


def _index_settings(body: Body) -> Body:
    found = body.get("template", {}).get("settings", {}).get("index", {})
    return found if isinstance(found, dict) else {}


def _drop_mode(body: Body) -> None:
    _index_settings(body).pop("mode", None)


def _drop_lifecycle(body: Body) -> None:
    _index_settings(body).pop("lifecycle", None)


def _drop_failure_store(body: Body) -> None:
    body.get("template", {}).pop("data_stream_options", None)


def _drop_auto_create(body: Body) -> None:
    body.pop("allow_auto_create", None)


def _flatten(body: Body) -> None:
    def change(node: Body) -> None:
        if node.get("type") == "flattened":
            node.clear()
            node["type"] = "flat_object"

    _walk(body.get("template", {}).get("mappings", {}), change)


def _keep_doc_values(body: Body) -> None:
    def change(node: Body) -> None:
        if node.get("type") == "wildcard":
            node["doc_values"] = True

    _walk(body.get("template", {}).get("mappings", {}), change)


LACKS = (
    Lack("`index.mode`", "that Elasticsearch keeps the source as it was sent", _drop_mode),
    Lack("`index.lifecycle`", "that indices roll over and age out by the lifecycle", _drop_lifecycle),
    Lack(
        "`data_stream_options`",
        "that what is refused comes back as 400 and is not taken into a failure store",
        _drop_failure_store,
    ),
    Lack(
        "`allow_auto_create`", "that it wins over `action.auto_create_index` of the node", _drop_auto_create
    ),
    Lack(
        "`flattened`, which is `flat_object` there and has neither `ignore_above` nor `depth_limit`",
        "that values above 1,024 characters and objects up to 1,000 deep are taken in `attributes`",
        _flatten,
    ),
    Lack("doc values of `wildcard`, which are off there", "nothing: they are always on", _keep_doc_values),
)


def translate_snapshot(body: Mapping[str, Any]) -> Body:
    """Return a snapshot as OpenSearch takes it, which knows no `feature_states`: Kibana's is unproven."""
    return {name: value for name, value in body.items() if name != "feature_states"}


def translate(body: Mapping[str, Any]) -> Body:
    """Return a component or index template as OpenSearch takes it."""
    translated = copy.deepcopy(dict(body))
    for lack in LACKS:
        lack.change(translated)
    return translated

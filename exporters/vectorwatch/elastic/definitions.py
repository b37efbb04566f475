"""The files of `elasticsearch/`: what the server must be told, and a mark that tells what it was told."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vectorwatch.errors import ConfigError

from .retention import Retention

Body = dict[str, Any]


@dataclass(frozen=True)
class Definitions:
    """Bodies of requests by the name of what they define."""

    component_templates: Mapping[str, Body]
    index_templates: Mapping[str, Body]
    lifecycles: Mapping[str, Body]
    roles: Mapping[str, Body]
    mark: str
    """Stands in `_meta` of each template and of each index made from it, and changes with the templates."""
    repositories: Mapping[str, Body] = field(default_factory=dict)
    """Where snapshots are kept."""

    @classmethod
    def read(cls, folder: Path, retention: Retention) -> Definitions:
        """Read the folder and put the numbers of `retention` in. Raises ConfigError."""
        components = _read_all(folder / "component-templates")
        templates = _read_all(folder / "index-templates")
        lifecycles = _read_all(folder / "lifecycle")
        mark = _digest({"component": components, "index": templates})
        for body in (*components.values(), *templates.values()):
            body["_meta"] = {**body["_meta"], "mark": mark}
        for body in components.values():
            if "mappings" in body["template"]:
                body["template"]["mappings"]["_meta"] = {"mark": mark}
        for body in lifecycles.values():
            body["policy"]["phases"] = retention.phases()
        roles, repositories = _read_all(folder / "roles"), _read_all(folder / "repositories")
        return cls(components, templates, lifecycles, roles, mark, repositories)


def is_within(wanted: object, found: object) -> bool:
    """Tell whether `found` says all that `wanted` says; what the server adds by itself does not count.

    The order of a list does not matter; its length does, for one more privilege is another role.
    """
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and is_within(value, found[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return False
        left = copy.copy(found)
        for value in wanted:
            match = next((index for index, other in enumerate(left) if is_within(value, other)), None)
            if match is None:
                return False
            del left[match]
        return True
    return wanted == found


def _read_all(folder: Path) -> dict[str, Body]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ConfigError(f"{folder} holds no definition; is the checkout complete?")
    return {path.stem: _read(path) for path in files}


def _read(path: Path) -> Body:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}:1: expected a JSON object")
    return found


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

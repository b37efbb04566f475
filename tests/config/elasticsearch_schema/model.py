"""Check a request's body against `types.json`: Elasticsearch's own specification, as `extract.py` kept it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_BUILT_IN: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool) or value in ("true", "false"),
    "number": lambda value: (
        (isinstance(value, int | float) and not isinstance(value, bool))
        or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)
    ),
    "null": lambda value: value is None,
    "void": lambda value: value is None,
    "binary": lambda value: isinstance(value, str),
}
Types = Mapping[str, Any]


class SchemaError(AssertionError):
    """A body that the specification does not allow; the message begins with the place."""


class Schema:
    """The specification of the requests in `types.json`.

    It leaves the settings of an index open, for plugins; we have none, so that an unknown one is an error.
    """

    def __init__(self) -> None:
        found = json.loads((_HERE / "types.json").read_text(encoding="utf-8"))
        self._requests = found["requests"]
        self._types = found["types"]

    def check(self, request: str, body: object) -> None:
        """Raise SchemaError unless `body` is one of `request`, such as `security.put_role`."""
        self._check_definition(self._requests[request], body, request, {})

    def _check(self, wanted: Any, value: Any, place: str, generics: Types) -> None:
        if wanted == "anything":
            return
        if isinstance(wanted, str):
            self._check_named(wanted, [], value, place, generics)
        elif "type" in wanted:
            self._check_named(wanted["type"], wanted["of"], value, place, generics)
        elif "array" in wanted:
            # Elasticsearch takes a single value for a list nearly everywhere.
            for number, each in enumerate(value if isinstance(value, list) else [value]):
                self._check(wanted["array"], each, f"{place}[{number}]", generics)
        elif "map" in wanted:
            if not isinstance(value, dict):
                raise SchemaError(f"{place}: an object is wanted")
            for key, each in value.items():
                self._check(wanted["keys"], key, f"{place} key {key}", generics)
                self._check(wanted["map"], each, f"{place}.{key}", generics)
        elif "any_of" in wanted:
            self._check_any(wanted["any_of"], value, place, generics)
        elif value != wanted["literal"]:
            raise SchemaError(f"{place}: {value!r} is not {wanted['literal']!r}")

    def _check_any(self, choices: list[Any], value: Any, place: str, generics: Types) -> None:
        problems = []
        for choice in choices:
            try:
                return self._check(choice, value, place, generics)
            except SchemaError as error:
                problems.append(str(error))
        # The choice that fits furthest is the one that was meant.
        raise SchemaError(max(problems, key=lambda problem: len(problem.split(":")[0])))

    def _check_named(self, name: str, of: list[Any], value: Any, place: str, generics: Types) -> None:
        if name in generics:
            return self._check(generics[name], value, place, {})
        if name in _BUILT_IN:
            if not _BUILT_IN[name](value):
                raise SchemaError(f"{place}: {value!r} is no {name}")
            return None
        definition = self._types[name]
        # What stands for a generic here may itself be one of the type around it.
        bound = dict(
            zip(definition.get("generics", []), [_bind(each, generics) for each in of], strict=False)
        )
        return self._check_definition(definition, value, place, bound)

    def _check_definition(self, definition: Any, value: Any, place: str, generics: Types) -> None:
        if "one_of" in definition:
            word = str(value).lower() if isinstance(value, bool) else value
            # Of an open list of privileges: the name of an action, such as cluster:admin/snapshot/delete.
            if word not in definition["one_of"] and not (definition.get("open") and ":" in str(word)):
                raise SchemaError(f"{place}: {value!r} is none of its {len(definition['one_of'])} words")
            return None
        if "alias" in definition:
            return self._check(definition["alias"], value, place, generics)
        if "shortcut" in definition and not isinstance(value, dict):
            value = {definition["shortcut"]: value}
        if not isinstance(value, dict):
            raise SchemaError(f"{place}: an object is wanted, not {value!r}")
        properties = self._properties(definition)
        for key, each in value.items():
            if key in properties:
                self._check(properties[key][0], each, f"{place}.{key}", generics)
            else:
                raise SchemaError(f"{place}.{key}: unknown")
        missing = [key for key, (_, required) in properties.items() if required and key not in value]
        if missing:
            raise SchemaError(f"{place}.{missing[0]}: missing")
        return None

    def _properties(self, definition: Any) -> dict[str, tuple[Any, bool]]:
        found: dict[str, tuple[Any, bool]] = {}
        if "inherits" in definition:
            base = definition["inherits"]
            found |= self._properties(self._types[base if isinstance(base, str) else base["type"]])
        for name, wanted in definition["properties"].items():
            found[name.removesuffix("?")] = (wanted, not name.endswith("?"))
        return found


def _bind(wanted: Any, generics: Types) -> Any:
    return generics.get(wanted, wanted) if isinstance(wanted, str) else wanted

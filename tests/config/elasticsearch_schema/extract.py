"""Write `types.json`: what Elasticsearch's published specification says of the requests of our set-up.

`npm pack @elastic/request-converter@9.5.0`, unpack it, then
`python -m tests.config.elasticsearch_schema.extract package/dist/schema.json`. The package is Elastic's,
under the Apache licence 2.0. Of its 10.7 MB only names, types and what is required are kept, of nine
requests; queries and analysers are left open, for we use neither.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REQUESTS = (
    "cluster.put_component_template",
    "indices.put_index_template",
    "ilm.put_lifecycle",
    "security.put_role",
    "security.put_user",
    "security.change_password",
    "snapshot.create_repository",
    "snapshot.create",
    "snapshot.restore",
)
_OPEN = (
    "_types.query_dsl",
    "_types.analysis",
    "_types.aggregations",
    "_global.search._types",
    "inference._types",
)
_BUILT_IN = "_builtins"


def extract(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the requests, and every type that they reach, in short form; `model.py` reads it."""
    types = {_name(each["name"]): each for each in schema["types"]}
    endpoints = {each["name"]: each for each in schema["endpoints"]}
    requests = {}
    reached: dict[str, Any] = {}
    waiting: list[str] = []
    for request in REQUESTS:
        body = types[_name(endpoints[request]["request"])]["body"]
        requests[request] = (
            {"properties": _properties(body)}
            if body["kind"] == "properties"
            else {"alias": _type(body["value"])}
        )
        waiting += _references(requests[request])
    while waiting:
        name = waiting.pop()
        if name not in reached and name in types:
            reached[name] = _definition(types[name])
            waiting += _references(reached[name])
    return {"requests": requests, "types": dict(sorted(reached.items()))}


def _name(name: Mapping[str, str]) -> str:
    return f"{name['namespace']}:{name['name']}"


def _definition(found: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if found.get("generics"):
        kept["generics"] = [_name(each) for each in found["generics"]]
    if found["kind"] == "enum":
        words = [word for each in found["members"] for word in (each["name"], *each.get("aliases", []))]
        return {"one_of": words, "open": True} if found.get("isOpen") else {"one_of": words}
    if found["kind"] == "type_alias":
        return {**kept, "alias": _type(found["type"])}
    kept["properties"] = _properties(found)
    if found.get("inherits"):
        kept["inherits"] = _type(found["inherits"])
    if found.get("shortcutProperty"):
        kept["shortcut"] = found["shortcutProperty"]
    return kept


def _properties(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return types by name; the name of one that may be left out ends in `?`."""
    kept = {}
    for each in found.get("properties", []):
        kept[each["name"] + ("" if each["required"] else "?")] = _type(each["type"])
        kept.update({f"{alias}?": _type(each["type"]) for alias in each.get("aliases", [])})
    return kept


def _type(found: Mapping[str, Any]) -> Any:
    kind = found.get("kind", "instance_of")
    if kind == "array_of":
        return {"array": _type(found["value"])}
    if kind == "dictionary_of":
        return {"map": _type(found["value"]), "keys": _type(found["key"])}
    if kind == "union_of":
        return {"any_of": [_type(each) for each in found["items"]]}
    if kind == "literal_value":
        return {"literal": found["value"]}
    if kind != "instance_of" or found["type"]["namespace"] in _OPEN:
        return "anything"
    if found["type"]["namespace"] == _BUILT_IN:
        return found["type"]["name"]
    if found.get("generics"):
        return {"type": _name(found["type"]), "of": [_type(each) for each in found["generics"]]}
    return _name(found["type"])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        if ":" in node:
            yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("literal", "one_of", "generics", "shortcut"):
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


if __name__ == "__main__":
    made = extract(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    lines = [
        f'"{kind}": {{\n'
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(body)}" for name, body in part.items())
        for kind, part in made.items()
    ]
    (HERE / "types.json").write_text("{" + "\n},\n".join(lines) + "\n}}\n", encoding="utf-8")

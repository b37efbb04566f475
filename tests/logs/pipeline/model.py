"""A model of Logstash: runs the filters of a pipeline folder, its Ruby scripts for real.

It knows `ruby` with a `path`, `drop`, and conditions that compare a field with a text by `==` or `!=`;
whatever else a pipeline file holds is an error here, so that no test passes for what the model skips.
The syntax is read by `logstash-pipeline-parser`. Logstash's queue, inputs and output are not here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from logstash_pipeline_parser import Pipeline

ROOT = Path(__file__).parents[3]
VECTORWATCH = "/usr/share/logstash/vectorwatch"
MAPPINGS = "/usr/share/logstash/mappings"
CONTAINER_NAMES = "/usr/share/logstash/container-names"

_FIELD = re.compile(r"\[([^\[\]]+)\]")
_VARIABLE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}")


@dataclass
class Event:
    """What flows through: the fields, and `@metadata`, which is not written."""

    fields: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)

    def get(self, reference: str) -> Any:
        """Return the value at `[a][b]`, None where there is none."""
        path = _FIELD.findall(reference)
        place: Any = {**self.fields, "@metadata": self.metadata}
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        return place


def find_ruby() -> list[str]:
    """Return the command of a Ruby, empty where there is none; RUBY names another, such as a JRuby."""
    return os.environ.get("RUBY", shutil.which("ruby") or "").split()


class Ruby:
    """One Ruby process that runs the scripts; `folders` says where Logstash's paths are here."""

    def __init__(self, container_names: Path) -> None:
        folders = {MAPPINGS: str(ROOT / "elasticsearch" / "component-templates")}
        folders |= {VECTORWATCH: str(ROOT / "logstash"), CONTAINER_NAMES: str(container_names)}
        self._folders = folders
        ruby = find_ruby()
        assert ruby, "no `ruby` on this machine"
        self._process = subprocess.Popen(
            [*ruby, str(Path(__file__).with_name("stand_in.rb"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        )
        self._send(folders)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._send(request)
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        assert answer, f"Ruby ended on {request['script']}; its last words are above"
        return answer

    def run(self, script: str, params: Mapping[str, Any], event: Event) -> list[Event]:
        """Return what the script `script` (a path in Logstash's container) makes of an event."""
        request = {"script": self._find(script), "params": params}
        answer = self._ask({**request, "event": {"fields": event.fields, "metadata": event.metadata}})
        assert not answer["errors"], f"{script}: {answer['errors']}"
        return [Event(one["fields"], one["metadata"]) for one in answer["events"]]

    def test(self, script: str) -> list[str]:
        """Run the `test` blocks of a script; return the names of those that fail."""
        failed: list[str] = self._ask({"script": self._find(script), "params": {}, "test": True})["failed"]
        return failed

    def _find(self, script: str) -> str:
        return str(ROOT / "logstash" / Path(script).relative_to(VECTORWATCH))


def parse(path: Path) -> list[Any]:
    """Return the sections of a pipeline file as `logstash-pipeline-parser` reads them."""
    sections: list[Any] = Pipeline(path.read_text(encoding="utf-8")).parse()
    return sections


def read_options(options: list[Any]) -> dict[str, Any]:
    """Return the options of a plugin by name; a hash becomes a dict, an array a list."""
    return {name: _read_value(value) for name, (value,) in options}


def _read_value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, list):
        return value
    if value and all(isinstance(pair, list) for pair in value):
        return {key: inner for key, (inner,) in value}
    return value


class Model:
    """The filters of one folder of `logstash/pipeline/`, in the order of its files."""

    def __init__(self, folder: str, ruby: Ruby, variables: Mapping[str, str] | None = None) -> None:
        self._ruby = ruby
        self._variables = variables or {}
        self.dropped: Counter[str] = Counter()
        self._filters = [
            plugin
            for path in sorted((ROOT / "logstash" / "pipeline" / folder).glob("*.conf"))
            for section, plugins in parse(path)
            if section == "filter"
            for plugin in plugins
        ]

    def run(self, event: Event) -> list[Event]:
        """Return the documents that an event becomes; what is dropped is counted by the id of its filter."""
        return self._run_all(self._filters, [Event({"@version": "1", **event.fields}, event.metadata)])

    def _run_all(self, plugins: list[Any], events: list[Event]) -> list[Event]:
        for branch in _branches(plugins):
            events = [after for event in events for after in self._run_branch(branch, event)]
        return events

    def _run_branch(self, branch: list[Any], event: Event) -> list[Event]:
        for name, *rest in branch:
            if name == "else":
                return self._run_all(rest[0][0], [event])
            if name not in ("if", "else if"):
                return self._run_plugin(name, read_options(rest[0]), event)
            condition, (plugins,) = rest[0]
            if _holds(condition, event):
                return self._run_all(plugins, [event])
        return [event]

    def _run_plugin(self, name: str, options: dict[str, Any], event: Event) -> list[Event]:
        unknown = options.keys() - {"id", "path", "script_params"}
        assert not unknown, f"the model does not know the options {unknown} of {name}"
        if name == "drop":
            self.dropped[options["id"]] += 1
            return []
        assert name == "ruby", f"the model does not know the filter {name}"
        params = {key: self._fill(value) for key, value in options.get("script_params", {}).items()}
        return self._ruby.run(options["path"], params, event)

    def _fill(self, value: str) -> str:
        return _VARIABLE.sub(lambda found: self._variables.get(found[1], found[2] or ""), value)


def _branches(plugins: list[Any]) -> Iterator[list[Any]]:
    """Yield each plugin alone, and each `if` with its `else if` and `else`."""
    branch: list[Any] = []
    for plugin in plugins:
        if plugin[0] in ("else if", "else"):
            branch.append(plugin)
            continue
        if branch:
            yield branch
        branch = [plugin]
    if branch:
        yield branch


def _holds(condition: list[Any], event: Event) -> bool:
    left, operator, right = condition
    assert operator in ("==", "!="), f"the model does not know the operator {operator}"
    assert left.startswith("["), f"the model does not know {condition}"
    assert not right.startswith("["), f"the model does not know {condition}"
    return bool((event.get(left) == right) == (operator == "=="))

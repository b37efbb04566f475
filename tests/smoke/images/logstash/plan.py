"""What the files of a pipeline say, as far as the stand-in does it; anything else is refused by name.

The syntax is read by `logstash-pipeline-parser`, as for tests/logs/pipeline/model.py, which knows as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.logs.pipeline.model import parse, read_options

_VARIABLE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}")

Step = dict[str, Any]
Options = Mapping[str, Any]


class PlanError(Exception):
    """A pipeline asks for something that the stand-in does not do."""


@dataclass(frozen=True)
class Plan:
    """One pipeline: options of its inputs and of its output, the steps of its filters."""

    inputs: Mapping[str, Options]
    steps: list[Step]
    output: Options

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Return the id and the name of each filter."""
        return list(_walk(self.steps))


def read_plan(files: list[Path], variables: Mapping[str, str]) -> Plan:
    """Return what the files of a pipeline say. Raises PlanError."""
    inputs: dict[str, Options] = {}
    steps: list[Step] = []
    outputs: list[Options] = []
    for path in files:
        for section, plugins in parse(path):
            if section == "filter":
                steps += _read_steps(plugins, variables)
                continue
            for name, options in plugins:
                found = _fill(read_options(options), variables)
                if section == "input":
                    inputs[name] = found
                elif name == "elasticsearch":
                    outputs.append(found)
                else:
                    raise PlanError(f"{path.name}: the stand-in does not know the output {name}")
    if len(outputs) != 1:
        raise PlanError(f"{len(outputs)} outputs; the stand-in knows one")
    return Plan(inputs, steps, outputs[0])


def _read_steps(plugins: list[Any], variables: Mapping[str, str]) -> list[Step]:
    steps: list[Step] = []
    for name, *rest in plugins:
        if name in ("else if", "else"):
            steps[-1]["branches"].append(_read_branch(name, rest, variables))
        elif name == "if":
            steps.append({"branches": [_read_branch(name, rest, variables)]})
        else:
            steps.append(_read_plugin(name, _fill(read_options(rest[0]), variables)))
    return steps


def _read_branch(name: str, rest: list[Any], variables: Mapping[str, str]) -> Step:
    if name == "else":
        return {"condition": None, "steps": _read_steps(rest[0][0], variables)}
    condition, (plugins,) = rest[0]
    left, operator, right = condition
    if operator not in ("==", "!=") or not left.startswith("[") or right.startswith("["):
        raise PlanError(f"the stand-in does not know the condition {condition}")
    return {"condition": condition, "steps": _read_steps(plugins, variables)}


def _read_plugin(name: str, options: Options) -> Step:
    if unknown := options.keys() - {"id", "path", "script_params"}:
        raise PlanError(f"the stand-in does not know the options {sorted(unknown)} of {name}")
    if name == "drop":
        return {"id": options["id"]}
    if name != "ruby":
        raise PlanError(f"the stand-in does not know the filter {name}")
    script, parameters = options["path"], options.get("script_params", {})
    return {"id": options["id"], "script": script, "parameters": parameters}


def _walk(steps: list[Step]) -> Iterator[tuple[str, str]]:
    for step in steps:
        if "branches" in step:
            for branch in step["branches"]:
                yield from _walk(branch["steps"])
        else:
            yield step["id"], "ruby" if "script" in step else "drop"


def _fill(value: Any, variables: Mapping[str, str]) -> Any:
    """Return `value` with each `${NAME:default}` in it replaced. Raises PlanError for one without a value."""
    if isinstance(value, dict):
        return {key: _fill(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [_fill(part, variables) for part in value]
    return _VARIABLE.sub(lambda found: _find(found, variables), value) if isinstance(value, str) else value


def _find(found: re.Match[str], variables: Mapping[str, str]) -> str:
    text = variables.get(found[1], found[2])
    if text is None:
        raise PlanError(f"the environment has no {found[1]}")
    return text

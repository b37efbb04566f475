"""The cases of tests/logs/filebeat-cases/, and a model of Filebeat's rules from which they follow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / "tests" / "logs" / "filebeat-cases"
CONFIGURATION = REPOSITORY / "filebeat" / "filebeat.yml"
VERBS = ("append", "write", "rename", "remove", "await", "stop", "start", "disconnect", "connect")

_CONTAINER, _OTHER = ("ab" * 32, "cd" * 32)
FILES = {
    "container": f"/var/lib/docker/containers/{_CONTAINER}/{_CONTAINER}-json.log",
    "container.1": f"/var/lib/docker/containers/{_CONTAINER}/{_CONTAINER}-json.log.1",
    "other": f"/var/lib/docker/containers/{_OTHER}/{_OTHER}-json.log",
    "file": "/var/log/vectorwatch/app.log",
    "file.1": "/var/log/vectorwatch/app.log.1",
    "journal": f"/var/lib/vectorwatch/inbox/{1:020d}.jsonl",
    "next-journal": f"/var/lib/vectorwatch/inbox/{2:020d}.jsonl",
    "damaged": "/var/lib/vectorwatch/inbox/damaged.txt",
}


@dataclass(frozen=True)
class Event:
    """What of an event does not depend on the run."""

    log_type: str
    stream: str
    message: str


@dataclass(frozen=True)
class Step:
    """One thing that happens; `subject` is a file or a number."""

    verb: str
    subject: str = ""
    lines: tuple[str, ...] = ()
    to: str = ""


@dataclass(frozen=True)
class Case:
    """What happens, and what must come of it."""

    name: str
    about: str
    steps: tuple[Step, ...]
    events: tuple[Event, ...]


def read_cases() -> list[Case]:
    return [_read(path) for path in sorted(FOLDER.glob("*.yml"))]


def _read(path: Path) -> Case:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    events = tuple(Event(**{"stream": "", **event}) for event in document["events"])
    return Case(path.stem, document["about"], tuple(map(_read_step, document["steps"])), events)


def _read_step(step: str | Mapping[str, Any]) -> Step:
    if isinstance(step, str):
        return Step(step)
    [verb] = step.keys() & set(VERBS)
    return Step(verb, str(step[verb]), tuple(step.get("lines", ())), step.get("to", ""))


def predict(case: Case) -> Iterator[Event]:
    """Yield the events that the inputs of filebeat.yml make of the case, if each file is read once."""
    inputs = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))["filebeat.inputs"]
    for path, lines in _collect(case.steps):
        for each in inputs:
            if any(Path(path).match(glob) for glob in each["paths"]):
                yield from _read_lines(each, lines)


def _collect(steps: Sequence[Step]) -> list[tuple[str, list[str]]]:
    """Return each file that there ever was, by the path of its beginning."""
    files: list[tuple[str, list[str]]] = []
    now: dict[str, list[str]] = {}
    for step in steps:
        if step.verb == "rename":
            now[step.to] = now.pop(step.subject)
        elif step.verb == "remove":
            del now[step.subject]
        elif step.verb in ("append", "write"):
            if step.verb == "write" or step.subject not in now:
                now[step.subject] = []
                files.append((FILES[step.subject], now[step.subject]))
            now[step.subject].extend(step.lines)
    return files


def _read_lines(settings: Mapping[str, Any], lines: Sequence[str]) -> Iterator[Event]:
    parsers = {name: value for parser in settings.get("parsers", ()) for name, value in parser.items()}
    stream = parsers["container"]["stream"] if "container" in parsers else ""
    read = list(_unwrap(lines, stream)) if stream else list(lines)
    if "multiline" in parsers:
        separator = "" if parsers["multiline"].get("skip_newline") else "\n"
        read = list(_join(read, parsers["multiline"]["pattern"], separator))
    for message in read:
        yield Event(settings["fields"]["log_type"], stream, message)


def _unwrap(lines: Sequence[str], stream: str) -> Iterator[str]:
    """Do what the parser `container` does: pieces are joined until one has its line's end."""
    text = ""
    for line in lines:
        document = json.loads(line)
        text += document["log"]
        if text.endswith("\n"):
            if document["stream"] == stream:
                yield text
            text = ""


def _join(lines: Sequence[str], pattern: str, separator: str) -> Iterator[str]:
    pattern = pattern.replace(
        "$)", r"\Z)"
    )  # in Go `$` is the end alone, not the place before a last line end
    event = ""
    for line in lines:
        if event and re.search(pattern, line):
            event += separator + line
            continue
        if event:
            yield event
        event = line
    if event:
        yield event

"""A YAML file of a user: read with the line of each key, because a mistake is told with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vectorwatch.errors import ConfigError

Place = tuple[str, ...]


@dataclass
class Document:
    """The values of a file, and the mistakes found in it so far."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _lines: dict[Place, int] = field(default_factory=dict)

    def complain(self, place: Place, text: str) -> None:
        """Note a mistake at `place`."""
        line = next((self._lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self._lines), 1)
        self.problems.append(f"{self.name}:{line}: {text}")

    def refuse_problems(self) -> None:
        """Raise ConfigError if there are any."""
        if self.problems:
            raise ConfigError(self.problems)


def read_document(path: Path, name: str) -> Document:
    """Return what the file says; one that is missing or empty says nothing.

    Raises ConfigError when it cannot be read, is no YAML, or names a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Document(name)
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: is not UTF-8; save it so") from error
    document = Document(name)
    try:
        _note_lines(document, yaml.compose(text, Loader=yaml.SafeLoader), ())
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: is no YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{name}: is no YAML: {' '.join(str(error).split())}") from error
    if values is not None and not isinstance(values, dict):
        document.complain((), f"expected `key: value` at the top, found {describe(values)}")
    document.refuse_problems()
    document.values = values or {}
    return document


def suggest(word: object, known: Iterable[str]) -> str:
    """Return the end of a sentence that names what was probably meant."""
    names = sorted(known)
    close = difflib.get_close_matches(str(word), names, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known are {', '.join(names[:8])}{' …' if len(names) > 8 else ''}" if names else ""


def describe(value: object) -> str:
    """Return a value as a person would call it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, list):
        return "a list"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _note_lines(document: Document, node: yaml.Node | None, place: Place) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            line = key.start_mark.line + 1
            if here in document._lines:
                document.problems.append(
                    f"{document.name}:{line}: `{key.value}` stands twice; the first is on line"
                    f" {document._lines[here]}"
                )
            document._lines[here] = line
            _note_lines(document, value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            document._lines[(*place, str(index))] = value.start_mark.line + 1
            _note_lines(document, value, (*place, str(index)))

"""From the lines of a file to events: the parsers that filebeat.yml names, as Filebeat documents them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


class SettingError(Exception):
    """filebeat.yml asks for something that the stand-in does not do."""


@dataclass(frozen=True)
class Line:
    """A line, or what was joined of several; `start` and `end` are its place in the file in bytes."""

    start: int
    end: int
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Container:
    """Docker's JSON: one stream of the two; pieces are joined until one has its line's end."""

    def __init__(self, stream: str, format: str) -> None:  # noqa: A002 - as in filebeat.yml
        if format != "docker":
            raise SettingError(f"format {format}")
        self._stream = stream
        self._piece: Line | None = None

    def take(self, line: Line) -> Iterator[Line]:
        """Yield the lines that are whole with this one."""
        try:
            document = json.loads(line.text)
        except ValueError:
            yield line
            return
        if document.get("stream") != self._stream:
            return
        fields = {"stream": self._stream, "@timestamp": document["time"]}
        if document.get("attrs"):
            fields["docker"] = {"attrs": document["attrs"]}
        piece = Line(line.start, line.end, document["log"], fields)
        if self._piece is not None:
            piece = replace(piece, start=self._piece.start, text=self._piece.text + piece.text)
        self._piece = None if piece.text.endswith("\n") else piece
        if self._piece is None:
            yield piece

    def flush(self) -> Iterator[Line]:
        """Yield nothing: half a line waits for its end."""
        return iter(())

    @property
    def waiting(self) -> Line | None:
        """The line that is not handed on yet."""
        return self._piece


class Multiline:
    """Lines that match the pattern belong to the one before them."""

    def __init__(
        self,
        type: str,  # noqa: A002 - as in filebeat.yml
        pattern: str,
        negate: bool,
        match: str,
        max_lines: int,
        timeout: str,
        skip_newline: bool = False,
    ) -> None:
        if (type, negate, match) != ("pattern", False, "after"):
            raise SettingError(f"multiline {type}, negate {negate}, match {match}")
        # In Go `$` is the end alone, not also the place before a last line end.
        self._pattern = re.compile(pattern.replace("$)", r"\Z)"))
        self._most = max_lines
        self._between = "" if skip_newline else "\n"
        self.timeout_seconds = read_seconds(timeout)
        self._waiting: Line | None = None
        self._count = 0

    def take(self, line: Line) -> Iterator[Line]:
        """Yield the event that ends where this line begins."""
        if self._waiting is not None and self._pattern.search(line.text):
            self._count += 1
            text = self._waiting.text + self._between + line.text
            shown = text if self._count <= self._most else self._waiting.text
            self._waiting = replace(self._waiting, text=shown, end=line.end)
            return
        yield from self.flush()
        self._waiting, self._count = line, 1

    def flush(self) -> Iterator[Line]:
        """Yield the event that waits: no more lines have come for it."""
        if self._waiting is not None:
            yield self._waiting
        self._waiting = None

    @property
    def waiting(self) -> Line | None:
        """The event that is not handed on yet."""
        return self._waiting


Parser = Container | Multiline
_PARSERS: Mapping[str, Callable[..., Parser]] = {"container": Container, "multiline": Multiline}


class Parsers:
    """The parsers of one input, one after the other, for one file."""

    def __init__(self, settings: Sequence[Mapping[str, Any]]) -> None:
        self._parsers = [_open(name, body) for one in settings for name, body in one.items()]
        timeouts = [one.timeout_seconds for one in self._parsers if isinstance(one, Multiline)]
        self.timeout_seconds = max(timeouts, default=0.0)

    def take(self, line: Line) -> list[Line]:
        """Return the events that are whole with this line."""
        return _pass([line], self._parsers)

    def flush(self) -> list[Line]:
        """Return what has waited long enough for more."""
        return [
            event
            for number, parser in enumerate(self._parsers)
            for event in _pass(parser.flush(), self._parsers[number + 1 :])
        ]

    @property
    def waits_from(self) -> int | None:
        """Where the oldest line begins that is not in an event yet."""
        waiting = [parser.waiting.start for parser in self._parsers if parser.waiting is not None]
        return min(waiting, default=None)


def _open(name: str, body: Mapping[str, Any]) -> Parser:
    if name not in _PARSERS:
        raise SettingError(f"parser {name}")
    return _PARSERS[name](**body)


def _pass(lines: Iterable[Line], parsers: Sequence[Parser]) -> list[Line]:
    for parser in parsers:
        lines = [event for line in lines for event in parser.take(line)]
    return [replace(line, text=line.text.removesuffix("\n")) for line in lines]


def read_seconds(text: str) -> float:
    """Return the seconds of `250ms`, `1s`."""
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]

"""Parse the raw text of `INFO ALL`; pure and tolerant: a field that is odd is absent, never wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import methodcaller

from vectorwatch.errors import Reason, TargetError

Field = tuple[str, str]
Number = int | float | None

_PART = methodcaller("partition", ":")
_FRACTION = re.compile(r"\d{1,6}", re.ASCII)
_INTEGER_DIGITS = 19
_MAX_NUMBER = 1e18
"""Above this no byte count, duration or event count is real."""


@dataclass(frozen=True, slots=True)
class Info:
    """The lines of each section, by the name the server gives it; fields are read when asked for.

    Each text starts with a line end, so that one search finds a field whole.
    """

    sections: Mapping[str, str]

    def text(self, section: str, name: str) -> str | None:
        """Return one field, or None where the section has none; of a repeated name the last counts."""
        lines = self.sections.get(section, "")
        mark = f"\n{name}:"
        found = lines.rfind(mark)
        if found < 0:
            return None
        start = found + len(mark)
        end = lines.find("\n", start)
        return lines[start:] if end < 0 else lines[start:end]

    def number(self, section: str, *names: str) -> Number:
        """Return the first of the fields `names` that the server has, as a number."""
        for name in names:
            text = self.text(section, name)
            if text is not None:
                return parse_number(text)
        return None

    def lines(self, section: str) -> list[str]:
        """Return the lines of `section`."""
        return self.sections.get(section, "").split("\n")

    def pairs(self, section: str) -> list[Field]:
        """Return the fields of `section` in order, repeated names included."""
        parted = map(_PART, self.lines(section))
        return [(name, value) for name, colon, value in parted if colon]


def parse_info(text: str) -> Info:
    """Return the sections of `text`. Raises TargetError(decode) when it holds none.

    The first of two sections of one name counts: no server repeats one, but Dragonfly prints names that
    clients chose (`unknown_<command>`), and those must not replace a real section.
    """
    # Splitting at these two marks costs a tenth of a pattern that looks at every line.
    _, *parts = ("\n" + text.replace("\r", "")).split("\n# ")
    sections: dict[str, str] = {}
    for part in parts:
        name, _, _ = part.partition("\n")
        sections.setdefault(name, part[len(name) :])
    if not any(":" in lines for lines in sections.values()):
        raise TargetError(Reason.DECODE, "INFO: the answer has no section with fields")
    return Info(sections)


def parse_number(text: str | None) -> Number:
    """Return a number from 0 to 1e18, else None.

    Every quantity of INFO is at least 0; servers print -1 for one that they do not measure.
    """
    if text is None or not text.isascii():
        return None
    if text.isdecimal() and len(text) < _INTEGER_DIGITS:
        return int(text)
    if "_" in text:  # Python would take 1_000 for a number
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= _MAX_NUMBER else None


def parse_pairs(text: str) -> dict[str, str]:
    """Return the parts of `key=value,key=value`; what has no `=` is left out."""
    parts = (part.partition("=") for part in text.split(","))
    return {name: value for name, equals, value in parts if equals}


def parse_unpadded_seconds(text: str | None) -> Number:
    """Return seconds from `seconds.microseconds` whose microseconds lack their leading zeros.

    Dragonfly prints 1 s 50 µs as `1.50`: read as a decimal it is 0.45 s too much, and the next value can be
    smaller, which `rate()` takes for a restart (server_family.cc, StrCat(tv_sec, ".", tv_usec)).
    """
    seconds, dot, microseconds = (text or "").partition(".")
    if dot and _FRACTION.fullmatch(microseconds):
        whole = parse_number(seconds)
        return None if whole is None else whole + int(microseconds) / 1e6
    return parse_number(text)

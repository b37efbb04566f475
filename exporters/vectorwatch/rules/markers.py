"""The numbers in rules that a user may change: each alone on its line, with the name of its threshold.

> 8589934592 # threshold: qdrant_memory_bytes
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Number = int | float

_MARKER = re.compile(r"(?m)^(?P<code>[^#\n]*)# threshold: (?P<name>\S+)[ \t]*$")
_NUMBER = re.compile(r"(?<![\w.:])-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:])")
MENTION = re.compile(r"#\s*threshold")
"""What means to be a marker, also where it is misspelt."""


class MarkerError(ValueError):
    """A marker whose line does not hold exactly one number."""


def find_markers(text: str) -> list[tuple[str, Number]]:
    """Return the name and the number of each marker in the order of the text. Raises MarkerError."""
    if len(MENTION.findall(text)) != len(_MARKER.findall(text)):
        raise MarkerError("a comment `# threshold: name` must be the end of a line with a number")
    return [(found["name"], parse_number(_only_number(found).group())) for found in _MARKER.finditer(text)]


def put_numbers(text: str, numbers: Mapping[str, Number]) -> str:
    """Return `text` with the number before each marker in `numbers` replaced. Raises MarkerError."""

    def replace(found: re.Match[str]) -> str:
        if found["name"] not in numbers:
            return found.group()
        number = _only_number(found)
        line = found.group()
        return line[: number.start()] + write_number(numbers[found["name"]]) + line[number.end() :]

    return _MARKER.sub(replace, text)


def parse_number(text: str) -> Number:
    """Return a literal as YAML and PromQL both read it."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def write_number(number: Number) -> str:
    """Return a literal that PromQL reads as exactly `number`."""
    return repr(number)


def _only_number(marker: re.Match[str]) -> re.Match[str]:
    numbers = list(_NUMBER.finditer(marker["code"]))
    if len(numbers) != 1:
        raise MarkerError(f"`{marker.group().strip()}` holds {len(numbers)} numbers instead of one")
    return numbers[0]

"""What is wrong with a dashboard, and which findings are meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Finding:
    """One mistake: the rule it breaks, where, and what would be right."""

    rule: str
    place: str
    said: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.place}: {self.said}"


Exceptions = Mapping[tuple[str, str], str]
"""By rule and place, a pattern with `*`: the reason why it need not be mended."""


def sift(findings: Iterable[Finding], exceptions: Exceptions) -> tuple[list[str], list[str]]:
    """Return the findings that no exception covers, and the exceptions that cover none."""
    used: set[tuple[str, str]] = set()
    left: list[str] = []
    for finding in findings:
        covering = {
            key for key in exceptions if key[0] == finding.rule and fnmatchcase(finding.place, key[1])
        }
        used |= covering
        if not covering:
            left.append(str(finding))
    return left, [f"{rule}: {place}" for rule, place in exceptions if (rule, place) not in used]

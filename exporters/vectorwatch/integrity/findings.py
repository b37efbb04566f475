"""What is not as expected, what could not be asked, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vectorwatch.errors import Reason, TargetError


@dataclass(frozen=True)
class Finding:
    """One thing that is not as expected; `remedy` says what to do."""

    check: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Located:
    """A finding and where it is; `collection` is None for what is about the server."""

    server: str
    collection: str | None
    finding: Finding

    def __str__(self) -> str:
        place = self.server if self.collection is None else f"{self.server}/{self.collection}"
        return f"{place}: {self.finding.problem}; {self.finding.remedy}"


@dataclass
class Report:
    """All that one look at the servers has brought."""

    collections: int = 0
    findings: list[Located] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, server: str, collection: str | None, findings: Iterable[Finding]) -> None:
        """Note `findings` with their place."""
        self.findings += (Located(server, collection, one) for one in findings)


def describe_failure(error: TargetError) -> str:
    """Return why a server could not be asked, and what would help."""
    hint = "; name its key with --api-key-file or `api_key_file`" if error.reason is Reason.AUTH else ""
    return f"{error}{hint}"

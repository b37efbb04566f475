"""An index that is played: documents, when each was ingested and when it becomes searchable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from vectorwatch.logs.search import Counts, Findings

Key = tuple[str, str, str]  # dataset, level, service


@dataclass(frozen=True)
class Document:
    """One document; times in Unix seconds."""

    key: Key
    ingested: float
    searchable: float


@dataclass
class PlayedIndex:
    """Answers the search as Elasticsearch would, and notes what was asked."""

    now: float
    documents: list[Document] = field(default_factory=list)
    asked: list[tuple[float, float, float]] = field(default_factory=list)
    failure: Exception | None = None

    def clock(self) -> float:
        return self.now

    async def search(self, since: float, next_since: float, look_back: float) -> Findings:
        if self.failure is not None:
            raise self.failure
        self.asked.append((since, next_since, look_back))
        found = [document for document in self.documents if document.searchable <= self.now]
        newest: dict[str, float] = {}
        for document in found:
            if document.ingested >= min(look_back, since):
                newest[document.key[0]] = max(document.ingested, newest.get(document.key[0], 0))
        return Findings(
            window=count(document.key for document in found if document.ingested >= since),
            next_window=count(document.key for document in found if document.ingested >= next_since),
            newest=newest,
            delay_seconds=1.0 if found else None,
        )


def count(keys: Iterable[Key]) -> Counts:
    """Return the counts of documents given by their keys, the most frequent first."""
    services = dict(Counter(keys).most_common())
    levels: Counter[tuple[str, str]] = Counter()
    datasets: Counter[str] = Counter()
    for (dataset, level, _), number in services.items():
        levels[dataset, level] += number
        datasets[dataset] += number
    return Counts(sum(services.values()), datasets, levels, services)

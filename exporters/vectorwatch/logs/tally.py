"""Count each document once out of searches that overlap; pure.

Every search counts what was ingested since a fixed start, so that a document which becomes searchable late is
in the next count; what a count has grown by is added. From time to time the start moves on: the same search
then also counts from the new start, and that is what the next growth is measured against.
"""

from __future__ import annotations

from collections.abc import Mapping

from vectorwatch.serve.metric import Labels

from .search import OTHER, Counts

MOST_DATASETS = 20
# A service that has been silent for so long gives its place to another.
_SILENT_SECONDS = 24 * 3600.0

_Key = tuple[str, str, str]  # dataset, level, service


class Tally:
    """Totals by service, level and dataset, of at most `max_services`; the rest is in `other`.

    What has a place keeps it while the start stands still: what moved out of `other` would be counted twice.
    """

    def __init__(self, max_services: int) -> None:
        self._max_services = max_services
        self._seen_at: dict[str, float] = {}
        self._datasets: set[str] = set()
        self._counted: dict[_Key, int] = {}
        self._totals: dict[_Key, int] = {}
        self._shown: set[_Key] = set()

    def begin(self, counts: Counts, now: float) -> None:
        """Take `counts` as counted already: measure the next growth against it. `now` in seconds."""
        self._counted = self._settle(counts, {}, now)
        for key in self._counted:
            self._totals.setdefault(key, 0)

    def add(self, counts: Counts, now: float) -> None:
        """Add what `counts`, from the same start as before, has grown by. `now` in seconds."""
        counted = self._settle(counts, self._counted, now)
        for key, number in counted.items():
            growth = number - self._counted.get(key, 0)
            self._totals[key] = self._totals.get(key, 0) + growth
            if growth and key[2] != OTHER:
                self._seen_at[key[2]] = now
        self._counted = counted

    def move(self, counts: Counts, now: float) -> None:
        """Go on from a later start; `counts` is what the search before counted from there."""
        for service in [name for name, at in self._seen_at.items() if now - at > _SILENT_SECONDS]:
            del self._seen_at[service]
            for key in [key for key in self._totals if key[2] == service]:
                del self._totals[key]
                self._shown.discard(key)
        self.begin(counts, now)

    def values(self) -> Mapping[Labels, float]:
        """Return the totals by service, level and dataset; a new one is first shown as 0.

        Prometheus sees only growth between two scrapes: what stood in the first would be missing from it.
        """
        shown: dict[Labels, float] = {}
        for key, total in self._totals.items():
            dataset, level, service = key
            shown[service, level, dataset] = total if key in self._shown else 0
        self._shown.update(self._totals)
        return shown

    def _settle(self, counts: Counts, former: Mapping[_Key, int], now: float) -> dict[_Key, int]:
        """Return the counts of what has a place and, as `other`, of the rest; none below its former one."""
        settled = {key: number for key, number in former.items() if OTHER not in (key[0], key[2])}
        for key, number in counts.services.items():
            if self._has_place(key, now):
                settled[key] = max(settled.get(key, 0), number)
        by_level: dict[tuple[str, str], int] = {}
        for (dataset, level, _), number in settled.items():
            by_level[dataset, level] = by_level.get((dataset, level), 0) + number
        rest: dict[_Key, int] = {}
        by_dataset: dict[str, int] = {}
        for (dataset, level), number in counts.levels.items():
            if dataset in self._datasets:
                rest[dataset, level, OTHER] = number - by_level.get((dataset, level), 0)
                by_dataset[dataset] = by_dataset.get(dataset, 0) + number
        for dataset, number in counts.datasets.items():
            if dataset in self._datasets:
                key = (dataset, OTHER, OTHER)
                rest[key] = rest.get(key, 0) + number - by_dataset.get(dataset, 0)
        known = sum(number for dataset, number in counts.datasets.items() if dataset in self._datasets)
        rest[OTHER, OTHER, OTHER] = counts.total - known
        for key in rest.keys() | {key for key in former if key not in settled}:
            number = max(rest.get(key, 0), former.get(key, 0))
            if number:
                settled[key] = number
        return settled

    def _has_place(self, key: _Key, now: float) -> bool:
        dataset, _, service = key
        if OTHER in (dataset, service):
            return False
        if dataset not in self._datasets and len(self._datasets) < MOST_DATASETS:
            self._datasets.add(dataset)
        if service not in self._seen_at and len(self._seen_at) < self._max_services:
            self._seen_at[service] = now
        return dataset in self._datasets and service in self._seen_at

"""What the probe knows of one target: written by its rounds, read by scrapes, on one event loop."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from vectorwatch.errors import Reason, TargetError

from .backoff import Backoff
from .budget import Clock
from .client import Mode
from .index import Bypass, Index
from .latency import LatencyHistogram
from .measure import Comparison, Discard, GroundTruth
from .recall import Pooled, Recall, pool
from .settings import Ef
from .subject import Subject, SubjectKey
from .trouble import Failure, Trouble, reason_of

Setting = tuple[Ef, int]
"""An ef and a k that are compared."""


class State(StrEnum):
    """What the probe last did about a subject."""

    WAITING = "waiting"
    """Its turn has not come: the budget was used by others, or the probe has just started."""
    MEASURED = "measured"
    OPTIMIZING = "optimizing"
    """The index is being rebuilt; measured less often."""
    SLOW = "slow"
    """Searches took longer than `slow_search_seconds`; measured less often."""
    EMPTY = "empty"
    """Nothing is stored, or nothing passes the filter."""
    MISSING = "missing"
    """A configured collection or vector does not exist."""
    UNSUPPORTED = "unsupported"
    """A sparse vector or a multivector."""
    FAILING = "failing"
    """An error; `hnsw_errors_total` counts which."""


class Window:
    """The newest queries of a subject, each with its latest result."""

    def __init__(self, most: int, oldest_seconds: float, clock: Clock) -> None:
        self._most = most
        self._oldest_seconds = oldest_seconds
        self._clock = clock
        self._queries: OrderedDict[int, tuple[float, Comparison]] = OrderedDict()

    def add(self, number: int, comparison: Comparison) -> None:
        """Keep the result of query `number`; a repeated query replaces its older result."""
        self._queries.pop(number, None)
        self._queries[number] = self._clock(), comparison
        while len(self._queries) > self._most:
            self._queries.popitem(last=False)

    def pooled(self) -> dict[Setting, Pooled]:
        """Return the recall of each ef and k over the queries that are not too old."""
        oldest = self._clock() - self._oldest_seconds
        samples: dict[Setting, list[Recall]] = {}
        for at, comparison in self._queries.values():
            if at >= oldest:
                for setting, recall in comparison.items():
                    samples.setdefault(setting, []).append(recall)
        results = {setting: pool(recalls) for setting, recalls in samples.items()}
        return {setting: result for setting, result in results.items() if result is not None}


class SubjectRecord:
    """The measurements of one subject."""

    def __init__(self, subject: Subject, window: Window, clock: Clock, reuse_queries: int) -> None:
        self.subject = subject
        self.backoff = Backoff(clock)
        self.state = State.WAITING
        self.failure: Failure | None = None
        self.window = window
        self.truths: deque[GroundTruth] = deque(maxlen=reuse_queries)
        self.exact_seconds = 0.0
        self.bypass: Bypass | None = None
        self.hits: Counter[Setting] = Counter(dict.fromkeys(settings_of(subject), 0))
        self.expected: Counter[Setting] = Counter(dict.fromkeys(settings_of(subject), 0))
        self.queries = Counter({"fresh": 0, "reused": 0})
        self.latencies: dict[tuple[Mode, Ef | None, int], LatencyHistogram] = {}
        self.visited_at = -math.inf
        self.slowest_seconds = 0.0
        self.measured_at: float | None = None
        self.measured_timestamp: float | None = None
        self._clock = clock
        self._queries_made = 0

    @property
    def title(self) -> str:
        """Return what logs call this subject."""
        collection, vector, filter_name = self.subject.key
        return f"collection {collection!r}, vector {vector!r}, filter {filter_name!r}"

    def next_number(self) -> int:
        """Return a number that no query of this subject has had."""
        self._queries_made += 1
        return self._queries_made

    def observe(self, mode: Mode, ef: Ef | None, k: int, seconds: float) -> None:
        """Count the latency of one search."""
        self.latencies.setdefault((mode, ef, k), LatencyHistogram()).observe(seconds)
        if mode is Mode.EXACT:
            self.exact_seconds = seconds
        else:
            self.slowest_seconds = max(self.slowest_seconds, seconds)

    def add(self, truth: GroundTruth, comparison: Comparison, *, reused: bool, timestamp: float) -> None:
        """Book one query."""
        self.window.add(truth.number, comparison)
        for setting, recall in comparison.items():
            self.hits[setting] += recall.hits
            self.expected[setting] += recall.expected
        self.queries["reused" if reused else "fresh"] += 1
        self.truths.append(truth)
        self.measured_at, self.measured_timestamp = self._clock(), timestamp

    def is_stale(self, stale_after_seconds: float) -> bool:
        """Tell whether the newest measurement is too old to be shown, or there is none."""
        return self.measured_at is None or self._clock() - self.measured_at > stale_after_seconds


class CollectionRecord:
    """A collection and the subjects in it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.backoff = Backoff(clock)
        self.state = State.WAITING
        self.failure: Failure | None = None
        self.index: Index | None = None
        self.index_at = -math.inf
        self.visited_at = -math.inf
        self.absent: list[str] = []
        self.subjects: dict[SubjectKey, SubjectRecord] = {}
        self._clock = clock

    @property
    def title(self) -> str:
        """Return what logs call this collection."""
        return f"collection {self.name!r}"

    def update(
        self, index: Index, subjects: Iterable[Subject], create: Callable[[Subject], SubjectRecord]
    ) -> None:
        """Take over the present state; keep the records of subjects that still have the same vectors."""
        self.index, self.index_at = index, self._clock()
        known, self.subjects = self.subjects, {}
        for subject in subjects:
            record = known.get(subject.key)
            if record is None or not subject.comparable_with(record.subject):
                record = create(subject)
            record.subject = subject
            self.subjects[subject.key] = record

    def forget(self) -> None:
        """Drop what was measured of a collection that is gone."""
        self.index = None
        self.absent = []
        self.subjects.clear()

    def first_failure(self) -> Failure | None:
        """Return what is wrong here, None when nothing is."""
        return next(self.failures(), None)

    def failures(self) -> Iterator[Failure]:
        """Yield what is wrong with this collection or its subjects."""
        if self.failure:
            yield self.failure
        yield from (record.failure for record in self.subjects.values() if record.failure)


@dataclass
class TargetState:
    """Everything that a scrape of one target shows."""

    clock: Clock
    late_after_seconds: float
    collections: dict[str, CollectionRecord] = field(default_factory=dict)
    skipped_collections: int = 0
    errors: Counter[Trouble] = field(default_factory=lambda: _zeros(Trouble))
    discarded: Counter[Discard] = field(default_factory=lambda: _zeros(Discard))
    requests: Counter[Mode] = field(default_factory=lambda: _zeros(Mode))
    engine_seconds: dict[Mode, float] = field(default_factory=lambda: dict.fromkeys(Mode, 0.0))
    rounds: int = 0
    last_round_at: float | None = None
    last_round_timestamp: float | None = None
    round_failure: Failure | None = None

    def update_collections(self, names: Iterable[str]) -> list[CollectionRecord]:
        """Keep the records of `names`, drop the others, and return them."""
        known = self.collections
        self.collections = {name: known.get(name) or CollectionRecord(name, self.clock) for name in names}
        return list(self.collections.values())

    def count(self, trouble: Trouble, text: str) -> Failure:
        """Count an error and return it with its text."""
        self.errors[trouble] += 1
        return Failure(trouble, text)

    def charge(self, mode: Mode, engine_seconds: float) -> None:
        """Book a request and the engine's time that it took."""
        self.requests[mode] += 1
        self.engine_seconds[mode] += engine_seconds

    def end_round(self, failure: Failure | None, timestamp: float) -> None:
        """Book the end of a round; `failure` concerns the whole target."""
        self.rounds += 1
        self.last_round_at, self.last_round_timestamp = self.clock(), timestamp
        self.round_failure = failure

    def check(self) -> None:
        """Raise TargetError unless the last round got everything it asked for and has not been long ago."""
        if self.last_round_at is None:
            raise TargetError(Reason.PARTIAL, "the first round has not ended yet")
        if self.clock() - self.last_round_at > self.late_after_seconds:
            raise TargetError(Reason.TIMEOUT, f"no round has ended for {self.late_after_seconds:g} s")
        if self.round_failure:
            trouble, text = self.round_failure
            raise TargetError(reason_of(trouble), f"the last round failed: {trouble}: {text}")
        self._check_collections()

    def _check_collections(self) -> None:
        failed = [record for record in self.collections.values() if record.first_failure()]
        failures = [failure for record in failed for failure in record.failures()]
        if not failures:
            return
        reasons = {reason_of(failure.trouble) for failure in failures}
        all_alike = len(failed) == len(self.collections) and len(reasons) == 1
        reason = reasons.pop() if all_alike else Reason.PARTIAL
        text = f"{len(failed)} of {len(self.collections)} collections failed: {failures[0].text}"
        raise TargetError(reason, text)


def settings_of(subject: Subject) -> list[Setting]:
    """Return every ef and k that is compared."""
    return [(ef, k) for ef in subject.ef for k in subject.k]


_T = TypeVar("_T", bound=StrEnum)


def _zeros(names: Iterable[_T]) -> Counter[_T]:
    return Counter(dict.fromkeys(names, 0))

"""One round's visits to collections: what to measure there, how much of it, and when to leave it alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from vectorwatch.errors import TargetError

from .budget import Budget
from .client import SearchClient
from .index import Index, find_bypass
from .measure import Discard, GroundTruth, compare, find_truth
from .sampler import perturb
from .settings import CollectionPlan, HnswSettings
from .state import CollectionRecord, State, SubjectRecord, TargetState, Window
from .subject import Subject, subjects_of
from .trouble import CONCERNS_ALL, COSTS_NOTHING, LASTS_LONG, Failure, NoVectorsError, Trouble, classify

log = logging.getLogger(__name__)

# A busy collection is still measured before its gauges go stale (`stale_after_intervals`, at least 10).
_BUSY_PAUSE_INTERVALS = 8
_LONG_PAUSE_INTERVALS = 10
# Neighbours are checked at every use; this bounds what the check cannot see: nearer points that every search
# through the graph misses.
_TRUTH_SECONDS = 6 * 3600.0


@dataclass
class Visitor:
    """Visits collections until the round's time or the budget is used up."""

    client: SearchClient
    label: str
    state: TargetState
    budget: Budget
    settings: HnswSettings
    plans: Mapping[str, list[CollectionPlan]]
    rng: Random
    wall_clock: Callable[[], float]
    ends_at: float
    collections_left: int

    def is_over(self) -> bool:
        """Tell whether no further query may start in this round."""
        return self.state.clock() >= self.ends_at or not self.budget.may_search()

    async def visit(self, record: CollectionRecord) -> Failure | None:
        """Measure one collection; return what went wrong."""
        record.visited_at = self.state.clock()
        if not record.backoff.waiting():
            await self._measure_collection(record)
        self.collections_left -= 1
        return record.first_failure()

    async def _measure_collection(self, record: CollectionRecord) -> None:
        try:
            index = await self.client.index(record.name)
        except TargetError as error:
            self._fail(record, classify(error), str(error))
            return
        if index is None:
            self._forget(record)
            return
        plans = self.plans.get(record.name, [])
        record.update(index, subjects_of(record.name, index, plans, self.settings), self._new_record)
        record.absent = _absent_vectors(index, plans)
        if record.absent:
            self._note(record, Trouble.NOT_FOUND, f"no vector {record.absent[0]!r}")
        else:
            self._succeed(record)
        await self._measure_index(record, index)

    async def _measure_index(self, record: CollectionRecord, index: Index) -> None:
        for subject in record.subjects.values():
            # The server has just answered: what was wrong with it is over, though this visit may end here.
            if subject.failure and (subject.failure.trouble in COSTS_NOTHING or index.points == 0):
                self._succeed(subject)
        if index.points == 0:
            record.state = State.EMPTY
        elif index.optimizing and not record.backoff.pause_seconds:
            self._wait_while_busy(record)
        else:
            record.state = State.MEASURED
            await self._measure_subjects(record, index)
            if index.optimizing:
                self._wait_while_busy(record)
            else:
                record.backoff.reset()

    def _wait_while_busy(self, record: CollectionRecord) -> None:
        """Let the optimizer work, for longer each time."""
        record.state = State.OPTIMIZING
        interval = self.settings.interval_seconds
        record.backoff.pause(interval, _BUSY_PAUSE_INTERVALS * interval)

    async def _measure_subjects(self, record: CollectionRecord, index: Index) -> None:
        records = sorted(record.subjects.values(), key=lambda subject: subject.visited_at)
        searches = self.budget.searches_left() / max(1, self.collections_left * len(records))
        for subject in records:
            if self.is_over():
                break
            subject.visited_at = self.state.clock()
            if subject.backoff.waiting():
                continue
            try:
                await self._measure_subject(subject, index, searches)
            except TargetError as error:
                if self._fail(subject, classify(error), str(error)).trouble in CONCERNS_ALL:
                    break

    async def _measure_subject(self, record: SubjectRecord, index: Index, searches: float) -> None:
        """Make as many queries as `searches` allow, at least one. Raises TargetError."""
        subject = record.subject
        matching = await self.client.matching(subject)
        record.bypass = find_bypass(
            index, subject.vector, filtered=subject.filter is not None, matching=matching
        )
        record.state, record.slowest_seconds = State.EMPTY, 0.0
        if matching != 0:
            await self._make_queries(record, max(1, int(searches // subject.searches_per_query)))
            record.state = State.MEASURED
        self._succeed(record)
        if record.slowest_seconds > self.settings.slow_search_seconds:
            record.state = State.SLOW
            record.backoff.pause(self.settings.interval_seconds, self._longest_pause())
        else:
            record.backoff.reset()

    async def _make_queries(self, record: SubjectRecord, count: int) -> None:
        sampled: list[list[float]] = []
        warm = False
        for left in range(count, 0, -1):
            if self.is_over() or record.slowest_seconds > self.settings.slow_search_seconds:
                break
            truth = self._take_known_truth(record)
            if truth is None and not sampled:
                sampled = await self._sample(record.subject, left)
            vector = (
                truth.vector if truth else perturb(sampled.pop(), self.settings.perturbation_ratio, self.rng)
            )
            if not warm:  # caches of the server and our connection; not counted
                await self.client.search(record.subject, vector, record.subject.ef[0], record.subject.k[0])
                warm = True
            reused = truth is not None
            truth = truth or await find_truth(
                self.client, record.subject, vector, record.next_number(), record.observe
            )
            await self._compare(record, truth, reused=reused)

    async def _sample(self, subject: Subject, limit: int) -> list[list[float]]:
        vectors = await self.client.sample(subject, limit)
        if not vectors:
            raise NoVectorsError(f"{subject.collection!r} has no point with this vector")
        return vectors

    def _take_known_truth(self, record: SubjectRecord) -> GroundTruth | None:
        """Return an exact answer from before, unless a new one is affordable: new ones say more."""
        truths = record.truths
        full = bool(truths) and len(truths) == truths.maxlen
        if not full or self.budget.affords(record.exact_seconds):
            return None
        truth = truths.popleft()
        return truth if self.state.clock() - truth.found_at < _TRUTH_SECONDS else None

    async def _compare(self, record: SubjectRecord, truth: GroundTruth, *, reused: bool) -> None:
        outcome = await compare(self.client, record.subject, truth, record.observe)
        if isinstance(outcome, Discard):
            self.state.discarded[outcome] += 1
        else:
            record.add(truth, outcome, reused=reused, timestamp=self.wall_clock())

    def _forget(self, record: CollectionRecord) -> None:
        """Drop what is known of a collection that is gone; only a configured one is missed."""
        record.forget()
        if record.name in self.plans:
            self._note(record, Trouble.NOT_FOUND, "no such collection or alias")
            record.state = State.MISSING

    def _new_record(self, subject: Subject) -> SubjectRecord:
        clock, settings = self.state.clock, self.settings
        window = Window(settings.window_queries, settings.window_seconds, clock)
        return SubjectRecord(subject, window, clock, settings.reuse_queries)

    def _fail(self, record: CollectionRecord | SubjectRecord, trouble: Trouble, text: str) -> Failure:
        """Book an error and leave the record alone for a while."""
        record.state = State.FAILING
        if trouble not in COSTS_NOTHING:
            intervals = _LONG_PAUSE_INTERVALS if trouble in LASTS_LONG else 1
            record.backoff.pause(intervals * self.settings.interval_seconds, self._longest_pause())
        return self._note(record, trouble, text)

    def _longest_pause(self) -> float:
        return max(self.settings.backoff_max_seconds, self.settings.interval_seconds)

    def _note(self, record: CollectionRecord | SubjectRecord, trouble: Trouble, text: str) -> Failure:
        """Count an error; log it once, not at every round."""
        if record.failure is None or record.failure.trouble is not trouble:
            log.warning("%s: %s: %s: %s", self.label, record.title, trouble, text)
        record.failure = self.state.count(trouble, text)
        return record.failure

    def _succeed(self, record: CollectionRecord | SubjectRecord) -> None:
        if record.failure is not None:
            log.info("%s: %s: measurable again", self.label, record.title)
        record.failure = None


def _absent_vectors(index: Index, plans: list[CollectionPlan]) -> list[str]:
    """Return configured vectors that the collection does not have."""
    present = {vector.name for vector in index.vectors} | index.skipped.keys()
    return sorted({plan.vector for plan in plans if plan.vector is not None} - present)

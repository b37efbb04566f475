"""What the service does besides answering: it looks at itself, predicts, re-indexes, measures accuracy."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
from collections.abc import Awaitable, Callable
from time import perf_counter

from vectorwatch.instrument import log_context, track

from . import answer_cache, articles
from .passages import make_exercises
from .pipeline import DATABASE_FAILURES, Parts, Pipeline
from .prediction import LoadPrediction

log = logging.getLogger(__name__)

_SLOWLY = 6
"""Times `background_seconds`: how often what costs more is done."""
_EXERCISES = 60
_SOURCES = 4
"""As many as the language model is given."""
_FULL_LOAD_PER_SECOND = 10.0
"""Requests a second that four workers of the large model just serve: load 1 of the prediction."""
_LEAST_WORKERS, _MOST_WORKERS = 2, 6
_MOST_BACKLOG = 400


class Background:
    """The jobs; each goes on after a failure."""

    def __init__(
        self, pipeline: Pipeline, every_seconds: float, reindex_seconds: float, randomness: random.Random
    ) -> None:
        self._pipeline = pipeline
        self._parts: Parts = pipeline.parts
        self._every_seconds = every_seconds
        self._reindex_seconds = reindex_seconds
        self._random = randomness
        self._exercises = make_exercises()
        self.prediction = LoadPrediction()
        self.requests = 0
        """Requests since the last look, counted by the routes."""
        self._looked = perf_counter()
        self._processor_seconds = _read_processor_seconds()
        self._backlog: set[asyncio.Task[None]] = set()

    def jobs(self) -> list[Awaitable[None]]:
        """Return the jobs, which run until they are cancelled."""
        slowly = self._every_seconds * _SLOWLY
        return [
            self._repeat("observe", self._every_seconds, self.observe),
            self._repeat("report", slowly, self.report),
            self._repeat("measure_accuracy", slowly, self.measure_accuracy),
            self._repeat("reindex", self._reindex_seconds, self.reindex),
        ]

    async def observe(self) -> None:
        """Record what is filled how far, and predict the load."""
        parts = self._parts
        now, processor = perf_counter(), _read_processor_seconds()
        seconds = max(now - self._looked, 1e-9)
        busy = 100 * (processor - self._processor_seconds) / seconds
        load = self.requests / seconds
        self._looked, self._processor_seconds, self.requests = now, processor, 0
        track.hdc_resources(memory_bytes_by_component=parts.hypervectors.memory_bytes, cpu_percent=busy)
        track.hdc_active_hypervectors(parts.hypervectors.active)
        track.model_memory(parts.embedding.name, parts.embedding.memory_bytes)
        for queue in (parts.embedding_queue, parts.model_queue):
            track.connection_pool(queue.model, size=queue.workers, active=queue.busy)
        parts.database.record_pool()
        parts.articles.record_pool()
        parts.cache.record_pool()
        self._predict(load / _FULL_LOAD_PER_SECOND)
        await parts.cache.record_state()

    async def report(self) -> None:
        """Ask the database for a report, which is slow, and renew a connection of the pool."""
        popular = await self._parts.database.report()
        log.info("asked for most: %s", ", ".join(subject for subject, _ in popular) or "nothing yet")
        await self._parts.database.renew_connection()
        await self._parts.articles.read_alias()

    async def measure_accuracy(self) -> None:
        """Measure how often the right passage, where it is known, is among those found."""
        found = 0
        chosen = self._random.sample(self._exercises, _EXERCISES)
        for exercise in chosen:
            vector = await self._pipeline.embed(exercise.question)
            sources = await self._parts.articles.search(vector, _SOURCES)
            found += exercise.passage in {source.number for source in sources}
        track.model_accuracy(self._parts.embedding.name, found / len(chosen))

    async def reindex(self) -> None:
        """Write the passages into a new collection and forget the answers from the old one."""
        name = await self._parts.articles.reindex()
        await self._parts.cache.invalidate()
        track.business_event("corpus_published")
        log.info("the alias now names %s", name)

    def add_backlog(self, jobs: int) -> None:
        """Let so many jobs wait for the large model (a fault on request)."""
        for _ in range(min(jobs, _MOST_BACKLOG - len(self._backlog))):
            task = asyncio.ensure_future(self._wait_for_model())
            self._backlog.add(task)
            task.add_done_callback(self._backlog.discard)

    def drop_backlog(self) -> None:
        """Take back the jobs of `add_backlog` that still wait."""
        for task in self._backlog:
            task.cancel()

    async def _wait_for_model(self) -> None:
        async with self._parts.model_queue.turn():
            await asyncio.sleep(1.0)

    def _predict(self, load: float) -> None:
        prediction = self.prediction
        prediction.observe(load)
        judgement = prediction.judge()
        track.load_prediction(
            accuracy=judgement.accuracy if judgement else None,
            mae=judgement.mean_absolute_error if judgement else None,
            confidence=judgement.confidence if judgement else None,
            predicted_load=prediction.predicted,
            current_load=load,
            feature_importance=prediction.importance,
        )
        self._adapt(prediction.predicted or 0.0)

    def _adapt(self, predicted: float) -> None:
        """Give the large model as many workers as the predicted load needs, and one to spare."""
        queue = self._parts.model_queue
        wanted = min(_MOST_WORKERS, max(_LEAST_WORKERS, 1 + round(4 * predicted)))
        if wanted != queue.workers:
            track.adaptive_config_change(
                "model_workers", "scale_up" if wanted > queue.workers else "scale_down"
            )
            queue.workers = wanted

    async def _repeat(self, name: str, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            with log_context(component="background", operation=name):
                try:
                    await job()
                except asyncio.CancelledError:
                    raise
                except (*articles.Failures, *answer_cache.Failures) as error:
                    log.warning("%s failed: %s", name, type(error).__name__)
                except DATABASE_FAILURES as error:
                    log.warning("%s failed: %s", name, error)
                except Exception:
                    log.exception("%s failed", name)


def _read_processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

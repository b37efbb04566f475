"""An application as it is watched in production: it writes, searches and caches, without end.

Everything about it is bounded: so many searches and writes a second, one at a time, and no catching up.
`python -m vectorwatch.demo.workload --qdrant-url URL --cache-url URL`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

import httpx
import numpy as np
import redis
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException

from vectorwatch.demo import COLLECTION
from vectorwatch.demo.answers import Answers
from vectorwatch.demo.dependency import Dependency
from vectorwatch.demo.documents import DocumentMaker, Documents, Size
from vectorwatch.demo.interruption import InterruptionError, catch_signals
from vectorwatch.demo.questions import Questions
from vectorwatch.serve.log import configure

log = logging.getLogger(__name__)

_TIME_TO_LIVE_SECONDS = (120, 360)
_REPORT_SECONDS = 60.0
_TIMEOUT_SECONDS = 10
_WRITTEN_AT_ONCE = 4
_QDRANT_FAILURES = (ApiException, httpx.HTTPError, OSError)
_CACHE_FAILURES = (redis.RedisError, OSError)


@dataclass(frozen=True)
class Load:
    """Where the load goes and how much it is."""

    qdrant_url: str = "http://127.0.0.1:6333"
    cache_url: str = "redis://127.0.0.1:6379"
    searches_per_second: float = 20.0
    writes_per_second: float = 1.0
    size: Size = field(default_factory=Size)
    seed: int = 1


class Pause(Protocol):
    def __call__(self, seconds: float) -> None:
        """Wait; raises InterruptionError when the program is asked to end."""


@dataclass
class Tally:
    """What was done since the last report."""

    searches: int = 0
    hits: int = 0
    writes: int = 0


class Workload:
    """The running load; `clock` counts seconds, `pause` waits for them."""

    def __init__(
        self,
        load: Load,
        documents: Documents,
        answers: Answers,
        questions: Questions,
        clock: Callable[[], float],
        pause: Pause,
    ) -> None:
        self._load = load
        self._documents = documents
        self._answers = answers
        self._questions = questions
        self._clock = clock
        self._pause = pause
        self._engine = Dependency("qdrant", _QDRANT_FAILURES, clock)
        self._cache = Dependency("cache", _CACHE_FAILURES, clock)
        self._tally = Tally()
        self._reported = clock()

    def run(self) -> None:
        """Search, write and cache until interrupted; raises InterruptionError."""
        self._prepare()
        next_search = next_write = self._clock()
        while True:
            now = self._clock()
            if now >= next_search:
                self.search_once()
                # From now, not from when it was due: a slow server gets less load, never a burst.
                next_search = max(next_search + 1 / self._load.searches_per_second, self._clock())
            if now >= next_write:
                self.write_once()
                next_write = max(next_write + 1 / self._load.writes_per_second, self._clock())
            self._report()
            self._pause(max(0.0, min(next_search, next_write) - self._clock()))

    def search_once(self) -> None:
        """Answer one question, from the cache if it is there."""
        question = self._questions.ask()
        self._tally.searches += 1
        if self._cache.attempt(lambda: self._answers.get(question.key)) is not None:
            self._tally.hits += 1
            return
        answer = self._engine.attempt(lambda: self._documents.search(question.vector, question.topic))
        if answer is not None:
            self._cache.attempt(lambda: self._answers.put(question.key, answer))

    def write_once(self) -> None:
        """Write a few documents again; after a failure make those anew that vanished with the engine."""
        if self._engine.answers:
            self._engine.attempt(lambda: self._documents.write_again(_WRITTEN_AT_ONCE))
            self._tally.writes += 1
        else:
            self._engine.attempt(self._fill)

    def _prepare(self) -> None:
        while self._engine.attempt(self._fill) is None:
            self._pause(0.1)

    def _fill(self) -> int:
        done = 0
        for done in self._documents.prepare():
            log.info("%s: %d of %d documents", COLLECTION, done, self._load.size.documents)
            self._pause(0)
        return done

    def _report(self) -> None:
        now = self._clock()
        if now - self._reported < _REPORT_SECONDS:
            return
        tally, seconds = self._tally, now - self._reported
        log.info(
            "%.0f searches/min, %.0f %% from the cache, %.0f writes/min",
            tally.searches * 60 / seconds,
            100 * tally.hits / max(1, tally.searches),
            tally.writes * 60 / seconds,
        )
        self._tally, self._reported = Tally(), now


def with_heartbeat(pause: Pause, heartbeat: Path) -> Pause:
    """Return a `pause` that first touches `heartbeat`, so that its age tells whether the load still runs."""

    def beat(seconds: float) -> None:
        heartbeat.touch()
        pause(seconds)

    return beat


def run(load: Load, heartbeat: Path | None = None) -> None:
    """Put `load` on Qdrant and the cache until SIGTERM or Ctrl-C; logs JSON lines."""
    configure("workload", "INFO")
    maker = DocumentMaker(load.size, load.seed)
    randomness = np.random.default_rng(load.seed + 1)
    answers = Answers(load.cache_url, lambda: int(randomness.integers(*_TIME_TO_LIVE_SECONDS)))
    client = QdrantClient(url=load.qdrant_url, timeout=_TIMEOUT_SECONDS, check_compatibility=False)
    questions = Questions(maker, load.seed + 2)
    with catch_signals() as interruption:
        pause = with_heartbeat(interruption.pause, heartbeat) if heartbeat else interruption.pause
        documents = Documents(client, maker)
        workload = Workload(load, documents, answers, questions, clock=monotonic, pause=pause)
        try:
            workload.run()
        except InterruptionError:
            log.info("ended")
        finally:
            answers.close()
            client.close()


def main() -> None:
    """Run the load at the addresses that the command line names."""
    parser = argparse.ArgumentParser(prog="vectorwatch.demo.workload", description="Load for both servers.")
    parser.add_argument("--qdrant-url", default=Load.qdrant_url)
    parser.add_argument("--cache-url", default=Load.cache_url)
    parser.add_argument("--searches-per-second", type=float, default=Load.searches_per_second)
    parser.add_argument("--writes-per-second", type=float, default=Load.writes_per_second)
    parser.add_argument("--documents", type=int, default=Size.documents)
    parser.add_argument("--heartbeat", type=Path, help="File to touch for as long as the load runs.")
    options = parser.parse_args()
    rates = (options.searches_per_second, options.writes_per_second)
    run(Load(options.qdrant_url, options.cache_url, *rates, Size(options.documents)), options.heartbeat)


if __name__ == "__main__":
    main()

"""Which questions are asked: few of them often, most of them seldom, as people do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vectorwatch.demo.documents import DocumentMaker, Vector, choose_topic

_DIFFERENT = 3_000
_ZIPF_EXPONENT = 1.0
"""Near what logs of web searches show: the second question is asked half as often as the first, and so on."""
_FILTERED_RATIO = 0.1


@dataclass(frozen=True)
class Question:
    """A query with the key under which its answer is cached."""

    key: str
    vector: list[float]
    topic: str | None


class Questions:
    """An endless stream of questions with Zipf's frequencies; the same seed gives the same stream."""

    def __init__(self, maker: DocumentMaker, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._vectors: Vector = maker.make_questions(_DIFFERENT)
        filtered = self._random.random(_DIFFERENT) < _FILTERED_RATIO
        self._topics = [choose_topic(self._random) if chosen else None for chosen in filtered]
        weights = 1.0 / np.arange(1, _DIFFERENT + 1) ** _ZIPF_EXPONENT
        self._cumulated = np.cumsum(weights / weights.sum())

    def ask(self) -> Question:
        """Return the next question."""
        rank = min(int(np.searchsorted(self._cumulated, self._random.random())), _DIFFERENT - 1)
        return Question(f"answer:{rank}", self._vectors[rank].tolist(), self._topics[rank])

"""Hyperdimensional computing: questions as vectors of 10,000 signs, to see that two mean nearly the same.

Multiply-add-permute (Gayler 1998): bind is the product by element, bundle the sign of the sum, similarity the
cosine.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import OrderedDict
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vectorwatch.instrument import track

from .embedding import find_words

Hypervector = NDArray[np.int8]

DIMENSIONS = 10_000
_MOST_WORDS = 1_000
_MOST_QUESTIONS = 128
_SAME_FROM = 0.8
"""Cosine from which two questions count as one: five words with one changed stay below it."""


class Hypervectors:
    """The item memory (one random vector a word) and the recent questions, both bounded."""

    def __init__(self) -> None:
        self._words: OrderedDict[str, Hypervector] = OrderedDict()
        self._questions = np.zeros((_MOST_QUESTIONS, DIMENSIONS), dtype=np.int8)
        self._keys = [""] * _MOST_QUESTIONS
        self._next = 0
        self._lock = threading.Lock()
        self.delay_seconds = 0.0
        """How much longer each bundling takes; other than 0 only while the fault `hdc_slow` is on."""
        self.broken = False
        """While true, vectors of the wrong length are bundled, which numpy refuses (a fault on request)."""

    def encode(self, text: str) -> Hypervector:
        """Return the vector of `text`: its words, and each pair of neighbours, bundled; for any thread.

        Raises ValueError while broken.
        """
        with self._lock:
            words = [self._find(word) for word in find_words(text)]
        if not words:
            return np.ones(DIMENSIONS, dtype=np.int8)
        with track.hdc_operation("bind", batch_size=max(1, len(words) - 1)):
            pairs = [first * np.roll(second, 1) for first, second in pairwise(words)]
        with track.hdc_operation("bundle", batch_size=len(words) + len(pairs)):
            time.sleep(self.delay_seconds)
            parts = [*words, *pairs, *([words[0][1:]] if self.broken else [])]
            total = np.sum(np.stack(parts), axis=0, dtype=np.int32)
            # Words break the ties, so that the sign is never 0.
            return np.where(total != 0, np.sign(total), words[0]).astype(np.int8)

    def find_same(self, vector: Hypervector) -> str | None:
        """Return the key of a recent question that means nearly the same, or None."""
        with track.hdc_operation("similarity", batch_size=_MOST_QUESTIONS), self._lock:
            similarities = np.einsum("ij,j->i", self._questions, vector, dtype=np.int32) / DIMENSIONS
            best = int(np.argmax(similarities))
            return self._keys[best] if similarities[best] >= _SAME_FROM else None

    def remember(self, vector: Hypervector, key: str) -> None:
        """Keep a question; the oldest gives way."""
        with self._lock:
            self._questions[self._next] = vector
            self._keys[self._next] = key
            self._next = (self._next + 1) % _MOST_QUESTIONS

    @property
    def active(self) -> int:
        """Return how many hypervectors are kept."""
        return len(self._words) + sum(map(bool, self._keys))

    @property
    def memory_bytes(self) -> dict[str, int]:
        """Return the bytes of each part."""
        return {
            "item_memory": len(self._words) * DIMENSIONS,
            "question_memory": int(self._questions.nbytes),
        }

    def _find(self, word: str) -> Hypervector:
        found = self._words.get(word)
        if found is None:
            # The word is the seed: the same word has the same vector in every process.
            signs = np.random.default_rng(zlib.crc32(word.encode())).integers(0, 2, DIMENSIONS, dtype=np.int8)
            found = signs * np.int8(2) - np.int8(1)
            self._words[word] = found
            if len(self._words) > _MOST_WORDS:
                self._words.popitem(last=False)
        else:
            self._words.move_to_end(word)
        return found

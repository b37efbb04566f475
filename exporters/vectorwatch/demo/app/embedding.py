"""Texts as vectors without a model to download: words and trigrams, hashed with signs, weighted by rarity.

Feature hashing after Weinberger et al. 2009 (https://arxiv.org/abs/0902.2206).
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

_WORD = re.compile(r"[a-z0-9]+")
_WORD_WEIGHT = 2.0
"""A whole word says more than one of its trigrams."""
_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "that",
        "the",
        "their",
        "this",
        "to",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)


class Embedding(Protocol):
    """What turns a text into a vector of length 1."""

    @property
    def name(self) -> str:
        """Return the name of the model, as metrics and `/health/detailed` say it."""

    @property
    def description(self) -> str:
        """Return in a few words what the model is."""

    @property
    def dimensions(self) -> int:
        """Return the length of its vectors."""

    @property
    def memory_bytes(self) -> int:
        """Return the bytes of its weights."""

    def embed(self, text: str) -> Vector:
        """Return the vector of `text`."""


class HashedNgrams:
    """The embedding that needs nothing installed; `fit` learns from a corpus how rare each feature is."""

    name = "hashed-ngrams-384"
    description = "hashed n-grams: deterministic, no neural model"
    dimensions = 384

    def __init__(self) -> None:
        self._rarity: Vector = np.ones(self.dimensions, dtype=np.float32)

    def fit(self, corpus: Sequence[str]) -> None:
        """Weight each feature by how few texts of `corpus` have it (inverse document frequency)."""
        counts = np.zeros(self.dimensions, dtype=np.float32)
        for text in corpus:
            counts[list({place for place, _ in _find_features(text, self.dimensions)})] += 1
        self._rarity = np.log1p(len(corpus) / (1.0 + counts)).astype(np.float32)

    def embed(self, text: str) -> Vector:
        """Return the vector of `text`, of length 1 (0 for a text without a word)."""
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for place, weight in _find_features(text, self.dimensions):
            vector[place] += weight
        vector *= self._rarity
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if length else vector

    @property
    def memory_bytes(self) -> int:
        """Return the bytes of what `fit` has learned."""
        return int(self._rarity.nbytes)


def find_words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without those that every text has."""
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def _find_features(text: str, dimensions: int) -> Iterator[tuple[int, float]]:
    for word, count in Counter(find_words(text)).items():
        yield _place(word, dimensions, _WORD_WEIGHT * count)
        padded = f"^{word}$"
        for first in range(len(padded) - 2):
            yield _place(padded[first : first + 3], dimensions, float(count))


def _place(feature: str, dimensions: int, weight: float) -> tuple[int, float]:
    code = zlib.crc32(feature.encode())
    # The sign keeps two features in one place from always adding up.
    return (code >> 1) % dimensions, weight if code & 1 else -weight

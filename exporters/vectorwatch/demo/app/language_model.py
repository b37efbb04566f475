"""Simulated language models: they say what the passages say, in times and tokens such as real ones have.

Their names begin with `simulated-`, so that no panel and no bill can be mistaken for a real one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log

from .articles import Source

LARGE = "simulated-large"
SMALL = "simulated-small"
_SPREAD = 0.35
"""Standard deviation of the logarithm of the time: the slowest of a hundred calls takes twice the median."""
_FIRST_TOKEN_SHARE = 0.3
_CHARACTERS_PER_TOKEN = 4


class ModelFailureError(Exception):
    """The model gave no answer."""


@dataclass(frozen=True)
class Generation:
    """A text and the tokens that were read and written."""

    text: str
    input_tokens: int
    output_tokens: int


class LanguageModel:
    """One simulated model."""

    def __init__(
        self, name: str, median_seconds: float, randomness: random.Random, failure_ratio: float = 0.0
    ) -> None:
        self.name = name
        self._median_seconds = median_seconds
        self._random = randomness
        self.slowdown = 1.0
        self.verbosity = 1
        self.failure_ratio = failure_ratio

    async def write(
        self, question: str, sources: Sequence[Source], on_first_token: Callable[[], object]
    ) -> Generation:
        """Answer from the first sources. Raises ModelFailureError in `failure_ratio` of the calls."""
        seconds = self._random.lognormvariate(log(self._median_seconds), _SPREAD) * self.slowdown
        await asyncio.sleep(seconds * _FIRST_TOKEN_SHARE)
        if self._random.random() < self.failure_ratio:
            raise ModelFailureError(f"{self.name} is overloaded (simulated)")
        on_first_token()
        await asyncio.sleep(seconds * (1 - _FIRST_TOKEN_SHARE))
        text = " ".join(source.text for source in sources[:2]) or "No passage answers that."
        read = len(question) + sum(len(source.text) for source in sources)
        return Generation(
            text, _count_tokens(read) * self.verbosity, _count_tokens(len(text)) * self.verbosity
        )


def _count_tokens(characters: int) -> int:
    return ceil(characters / _CHARACTERS_PER_TOKEN)

"""Queries that nobody stored, made of vectors that somebody did.

A stored vector is a poor query: the graph holds a node exactly there, whose edges were chosen by searching
for it, so that recall looks better than users get. Leaving the vector itself out of the results changes
little: of 20,000 random 64-dimensional vectors (m=8, ef=64, k=10), users' recall was 0.52, that of stored
vectors without themselves 0.73; noise of half the vector's length gave 0.71, of its whole length 0.62. On
clustered data of low dimension, where 0.98 was right at ef=16, stored vectors gave 0.99 and half-length noise
0.99. So the probe perturbs, and excludes nothing: a perturbed query has no "self". What noise cannot
imitate is a user whose queries come from elsewhere than the stored vectors; docs/reference/hnsw-probe.md
says what to make of that.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from random import Random


def perturb(vector: Sequence[float], ratio: float, rng: Random) -> array[float]:
    """Return `vector` plus noise in a random direction, `ratio` times as long, as 32-bit floats.

    A vector of length 0 gets noise of length `ratio`.
    """
    noise = [rng.gauss(0.0, 1.0) for _ in vector]
    scale = ratio * (math.hypot(*vector) or 1.0) / (math.hypot(*noise) or 1.0)
    return array("f", (number + scale * shift for number, shift in zip(vector, noise, strict=True)))

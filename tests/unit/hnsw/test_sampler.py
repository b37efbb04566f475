from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.hnsw.sampler import perturb

vectors = st.lists(st.integers(-1000, 1000).map(lambda tenths: tenths / 10), min_size=2, max_size=40)


@given(vector=vectors, ratio=st.floats(0.01, 2), seed=st.integers(0, 1000))
def test_noise_has_the_given_length_relative_to_the_vector(
    vector: list[float], ratio: float, seed: int
) -> None:
    moved = perturb(vector, ratio, Random(seed))
    length = math.hypot(*vector) or 1.0
    assert math.dist(moved, vector) == pytest.approx(ratio * length, rel=1e-3, abs=1e-5 * length)


def test_the_same_seed_gives_the_same_query() -> None:
    assert perturb([1.0, 2.0], 0.5, Random(1)) == perturb([1.0, 2.0], 0.5, Random(1))
    assert perturb([1.0, 2.0], 0.5, Random(1)) != perturb([1.0, 2.0], 0.5, Random(2))


def test_noise_has_no_preferred_direction() -> None:
    rng = Random(5)
    vector = [3.0, -4.0, 0.0]
    noise = np.array([perturb(vector, 0.5, rng) for _ in range(4000)]) - vector
    # Each component of a random unit vector in 3 dimensions has a variance of 1/3.
    assert noise.mean(axis=0) == pytest.approx([0, 0, 0], abs=4 * 2.5 / math.sqrt(3 * 4000))
    assert noise.var(axis=0) == pytest.approx([2.5**2 / 3] * 3, rel=0.1)


def test_numbers_are_those_that_a_server_stores() -> None:
    moved = perturb([0.1, 0.2], 0.5, Random(1))
    assert list(moved) == np.asarray(moved, dtype=np.float32).tolist()

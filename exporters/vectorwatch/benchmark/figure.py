"""What a benchmark measures: its subject, the conditions under which it did, and how long it took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import NamedTuple

_MOST_GROWTH = 1.5
"""A search takes about the logarithm of the number of points; by half more of them it does not show."""
_WARM_UP = 3
_LEAST = 5


class Subject(NamedTuple):
    """What is measured; `collection` is empty where there is none."""

    backend: str
    server: str
    collection: str
    benchmark: str


Conditions = Mapping[str, int]
"""What must be the same for two figures to be comparable; `points` may change a little."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The outcome of one benchmark in one run."""

    subject: Subject
    seconds: float
    """Median of the requests: one that met a pause of some program does not move it."""
    requests: int
    conditions: Conditions


def are_comparable(one: Conditions, other: Conditions) -> bool:
    """Tell whether figures under these conditions say anything of each other."""
    points, others = one.get("points", 1), other.get("points", 1)
    if max(points, others) > _MOST_GROWTH * max(1, min(points, others)):
        return False
    return {**one, "points": 0} == {**other, "points": 0}


async def measure(
    subject: Subject,
    conditions: Conditions,
    request: Callable[[int], Awaitable[object]],
    *,
    requests: int,
    longest_seconds: float,
) -> Figure:
    """Make `request(0)`, `request(1)`, … one after another and return their median.

    The first ones only warm caches and the connection. What `request` raises passes through.
    """
    for number in range(_WARM_UP):
        await request(number)
    start = perf_counter()
    times: list[float] = []
    for number in range(requests):
        if len(times) >= _LEAST and perf_counter() - start > longest_seconds:
            break
        begun = perf_counter()
        await request(number)
        times.append(perf_counter() - begun)
    return Figure(subject, median(times), len(times), conditions)

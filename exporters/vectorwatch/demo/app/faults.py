"""What can be broken on request, for a while: each fault ends by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vectorwatch.errors import VectorwatchError

KNOWN: Mapping[str, str] = {
    "error_burst": "half of the requests fail with status 500",
    "slow_requests": "each request takes 1.5 s more",
    "slow_llm": "the large model takes 20 times as long: time-outs, fallbacks",
    "slow_search": "each search takes 2.5 s more",
    "slow_database": "each query takes 0.4 s more, in the database",
    "cost_spike": "the large model writes 20 times as much",
    "cache_misses": "no answer is found in the cache",
    "cache_slow": "the cache answers after its time-out: degraded answers",
    "cache_evictions": "room for 20 answers only, so that others give way",
    "hyde_misses": "no hypothetical document is found in its cache",
    "quality_drop": "answers are written from passages that have nothing to do with the question",
    "tool_failures": "half of the tool calls fail",
    "rag_failures": "a third of the retrievals fail",
    "pool_exhaustion": "something holds all connections of the database pool",
    "database_failures": "no connection to the database can be made: its breaker opens",
    "query_errors": "each query asks for a table that does not exist",
    "model_backlog": "80 jobs a second wait for the large model",
    "model_errors": "the large model fails: errors, fallbacks, its breaker opens",
    "accuracy_drop": "noise on the embeddings, so that the right passage is found less often",
    "alias_failure": "the alias is moved to a collection that does not exist",
    "payload_index_failure": "a payload index is asked for in a collection that does not exist",
    "security_burst": "wrong API keys and an attempt to gain rights, every second",
    "hdc_errors": "hypervectors of unequal length are bundled",
    "hdc_slow": "each bundling of hypervectors takes 0.15 s more",
    "load_drift": "load predictions come out three times too high",
    "affinity_loss": "no query finds a connection that has served its kind before",
}
"""By name: what happens while it is on."""

LONGEST_SECONDS = 3_600.0


class FaultError(VectorwatchError):
    """A fault that does not exist, or for too long."""


@dataclass(frozen=True)
class Fault:
    """A fault that is on, and for how many seconds more."""

    name: str
    seconds_left: float


class Faults:
    """The faults that are on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def begin(self, name: str, seconds: float) -> Fault:
        """Switch a fault on, or on for longer. Raises FaultError."""
        _check_known(name)
        if not 0 < seconds <= LONGEST_SECONDS:
            raise FaultError(f"`seconds` is {seconds:g}; give more than 0 and at most {LONGEST_SECONDS:g}")
        self._until[name] = self._clock() + seconds
        return Fault(name, seconds)

    def end(self, name: str) -> None:
        """Switch a fault off; one that is not on stays so. Raises FaultError."""
        _check_known(name)
        self._until.pop(name, None)

    def is_on(self, name: str) -> bool:
        """Tell whether a fault is on now."""
        until = self._until.get(name)
        return until is not None and self._clock() < until

    def list_on(self) -> list[Fault]:
        """Return the faults that are on."""
        now = self._clock()
        return [Fault(name, until - now) for name, until in sorted(self._until.items()) if now < until]


def _check_known(name: str) -> None:
    if name not in KNOWN:
        raise FaultError(f"no fault is called `{name}`; there are {', '.join(sorted(KNOWN))}")

"""Strict mode: what a collection's owner forbids its readers, refused in Qdrant's words.

Enforced: `search_allow_exact`, `search_max_hnsw_ef`, `search_max_oversampling`, `max_query_limit`,
`search_max_batchsize`, `upsert_max_batchsize`, `read_rate_limit`, `write_rate_limit`; the rest is stored
and shown only. Rules and wording after `lib/collection/src/operations/verification/mod.rs` of Qdrant 1.19.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

from vectorwatch.demo.engine.errors import BadRequest, RateLimited
from vectorwatch.demo.engine.fields import Fields
from vectorwatch.demo.engine.filters import count_conditions

_FLAGS = (
    "enabled",
    "search_allow_exact",
    "unindexed_filtering_retrieve",
    "unindexed_filtering_update",
)
_LIMITS = (
    "max_query_limit",
    "search_max_hnsw_ef",
    "search_max_batchsize",
    "upsert_max_batchsize",
    "read_rate_limit",
    "write_rate_limit",
)


def read_rules(written: Fields) -> dict[str, Any]:
    """Return a `strict_mode_config` as it is stored. Raises BadBody and BadValue for what is enforced."""
    checked: dict[str, Any] = {name: written.flag(name) for name in _FLAGS}
    checked |= {name: written.integer(name, minimum=1) for name in _LIMITS}
    checked |= {"search_max_oversampling": written.number("search_max_oversampling")}
    return {name: checked.get(name, value) for name, value in written.raw.items()}


class RateLimiter:
    """A token bucket of `per_minute` tokens, full at the start, as `common/src/rate_limiting.rs` has it."""

    def __init__(self, kind: str, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._kind = kind
        self._capacity = per_minute
        self._tokens = float(per_minute)
        self._clock = clock
        self._checked_at = clock()
        self._lock = Lock()

    def consume(self, cost: int) -> None:
        """Take `cost` tokens. Raises RateLimited when the bucket lacks them."""
        if cost > self._capacity:
            problem = "request larger than rate limiter capacity, please try to split your request"
            raise RateLimited(f"{self._kind} rate limit exceeded, {problem}", None)
        with self._lock:
            now = self._clock()
            refill = (now - self._checked_at) * self._capacity / 60
            self._checked_at = now
            self._tokens = min(self._tokens + refill, self._capacity)
            missing = cost - self._tokens
            if missing <= 0:
                self._tokens -= cost
                return
        wait_seconds = missing * 60 / self._capacity
        raise RateLimited(
            f"{self._kind} rate limit exceeded: Operation requires {cost} tokens but only "
            f"{cost - missing:.1f} were available. Retry after {math.ceil(wait_seconds)}s",
            wait_seconds,
        )


class StrictMode:
    """The rules of one collection; without `enabled` nothing is refused."""

    def __init__(self, rules: Mapping[str, Any] | None, clock: Callable[[], float] = monotonic) -> None:
        self._rules = rules if rules and rules.get("enabled") else {}
        self._reads = self._build_limiter("Read", "read_rate_limit", clock)
        self._writes = self._build_limiter("Write", "write_rate_limit", clock)

    def check_read(self, body: Fields, limit: int | None = None) -> None:
        """Refuse a search or scroll that the rules forbid. Raises BadRequest and RateLimited."""
        if not self._rules:
            return
        self._check_limit(limit, "max_query_limit", "limit")
        self._check_params(body.fields("params"))
        if self._reads is not None:
            self._reads.consume(1 + count_conditions(body.any("filter")))

    def check_batch(self, size: int) -> None:
        """Refuse a batch of searches that is too large."""
        self._check_limit(size, "search_max_batchsize", "search batch size")

    def check_write(self, points: int) -> None:
        """Refuse an upsert that is too large or comes too soon."""
        self._check_limit(points, "upsert_max_batchsize", "upsert limit")
        if self._writes is not None:
            self._writes.consume(max(points, 1))

    def _check_params(self, params: Fields | None) -> None:
        if params is None:
            return
        if self._rules.get("search_allow_exact") is False and params.flag("exact"):
            raise BadRequest("Exact search disabled!. Help: Set exact=false.")
        quantization = params.fields("quantization")
        if quantization is not None:
            self._check_limit(quantization.number("oversampling"), "search_max_oversampling", "oversampling")
        self._check_limit(params.integer("hnsw_ef"), "search_max_hnsw_ef", "hnsw_ef")

    def _check_limit(self, value: float | None, rule: str, name: str) -> None:
        allowed = self._rules.get(rule)
        if value is not None and allowed is not None and value > allowed:
            raise BadRequest(
                f'Limit exceeded {value} > {allowed} for "{name}". '
                f'Help: Reduce the "{name}" parameter to or below {allowed}.'
            )

    def _build_limiter(self, kind: str, rule: str, clock: Callable[[], float]) -> RateLimiter | None:
        per_minute = self._rules.get(rule)
        return RateLimiter(kind, per_minute, clock) if per_minute else None

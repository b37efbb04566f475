"""Aliases of collections: created, moved, deleted."""

from __future__ import annotations

from vectorwatch.instrument.metric import SECONDS, Counter, Histogram
from vectorwatch.instrument.operation import Operation, error_type_of, status_of

from .limits import ERROR_TYPES, OPERATIONS, STATUSES

DURATION = Histogram(
    "collection_alias_duration_seconds",
    "Time of one operation on an alias; failures too, cancelled ones not.",
    {"operation": OPERATIONS},
    buckets=(*SECONDS, 60.0),  # the requirements alert above 30 s, so that 30 must not be the last
)
ENDED = Counter(
    "collection_alias_operations_total",
    "Operations on aliases that ended: `success`, `error` or `cancelled`.",
    {"operation": OPERATIONS, "status": STATUSES},
)
ERRORS = Counter(
    "collection_alias_errors_total",
    "Operations on aliases that raised, by class of what was raised.",
    {"operation": OPERATIONS, "error_type": ERROR_TYPES},
)


class alias_operation(Operation):  # noqa: N801 - read as a verb
    """Time and count one operation on an alias."""

    __slots__ = ("_operation",)
    span_name = "collection_alias.change"

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration, how it ended, and the error."""
        status = status_of(error)
        if status != "cancelled":
            DURATION.observe(seconds, self._operation)
        ENDED.inc(self._operation, status)
        if error is not None and status == "error":
            ERRORS.inc(self._operation, error_type_of(error))

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return what was done."""
        return {"db.operation.name": self._operation}

"""Payload indexes of a vector database: built, dropped, asked."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Histogram
from vectorwatch.instrument.operation import Operation, error_type_of, status_of

from .limits import ERROR_TYPES, OPERATIONS, names

DURATION = Histogram(
    "payload_indexing_duration_seconds",
    "Time of one operation on a payload index; failures too, cancelled ones not.",
    {"operation": OPERATIONS, "field_type": names()},
)
ERRORS = Counter(
    "payload_indexing_errors_total",
    "Operations on payload indexes that raised, by class of what was raised.",
    {"operation": OPERATIONS, "error_type": ERROR_TYPES},
)


class payload_indexing(Operation):  # noqa: N801 - read as a verb
    """Time one operation on a payload index, and count it if it fails."""

    __slots__ = ("_field_type", "_operation")
    span_name = "payload.index"

    def __init__(self, operation: str, field_type: str) -> None:
        self._operation = operation
        self._field_type = field_type

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration, and the error."""
        status = status_of(error)
        if status != "cancelled":
            DURATION.observe(seconds, self._operation, self._field_type)
        if error is not None and status == "error":
            ERRORS.inc(self._operation, error_type_of(error))

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return what was done, and to what type of field."""
        return {"db.operation.name": self._operation, "payload.field_type": self._field_type}

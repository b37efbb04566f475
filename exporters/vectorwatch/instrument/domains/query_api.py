"""The query API: what callers ask for, by operation and collection."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Histogram
from vectorwatch.instrument.operation import Operation, status_of

from .limits import COLLECTIONS, OPERATIONS, STATUSES

DURATION = Histogram(
    "query_api_duration_seconds",
    "Time to answer a query; failures too, cancelled ones not.",
    {"operation": OPERATIONS, "collection": COLLECTIONS},
)
REQUESTS = Counter(
    "query_api_requests_total",
    "Queries that ended: `success`, `error`, or `cancelled` by the caller.",
    {"operation": OPERATIONS, "collection": COLLECTIONS, "status": STATUSES},
)


class query(Operation):  # noqa: N801 - read as a verb: `with track.query("search", "documents"):`
    """Time and count one query."""

    __slots__ = ("_collection", "_operation")
    span_name = "query_api.query"

    def __init__(self, operation: str, collection: str) -> None:
        self._operation = operation
        self._collection = collection

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration and how it ended."""
        status = status_of(error)
        if status != "cancelled":
            DURATION.observe(seconds, self._operation, self._collection)
        REQUESTS.inc(self._operation, self._collection, status)

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the OpenTelemetry attributes of a database call."""
        return {"db.operation.name": self._operation, "db.collection.name": self._collection}

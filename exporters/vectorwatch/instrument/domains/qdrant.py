"""Qdrant as this application sees it: time with the network, by collection, which the server does not give.

The server's and the probe's own series bear the names without `client`; a sum over both would count twice.
"""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Histogram
from vectorwatch.instrument.operation import Operation, status_of

from .limits import COLLECTIONS, OPERATIONS, STATUSES, names

_SEARCH_TYPES = names()
DURATION = Histogram(
    "qdrant_client_search_duration_seconds",
    "Time of a search at the client; failures too, cancelled ones not.",
    {"collection": COLLECTIONS, "search_type": _SEARCH_TYPES},
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
REQUESTS = Counter(
    "qdrant_client_search_requests_total",
    "Searches that ended: `success`, `error` or `cancelled`.",
    {"collection": COLLECTIONS, "search_type": _SEARCH_TYPES, "status": STATUSES},
)
INDEX_OPERATIONS = Counter(
    "qdrant_client_index_operations_total",
    "Changes of indexes that ended: `success`, `error` or `cancelled`.",
    {"operation": OPERATIONS, "collection": COLLECTIONS, "status": STATUSES},
)


class qdrant_search(Operation):  # noqa: N801 - read as a verb
    """Time and count one search; `search_type` such as query, recommend, discover."""

    __slots__ = ("_collection", "_search_type")
    span_name = "qdrant.search"

    def __init__(self, collection: str, search_type: str) -> None:
        self._collection = collection
        self._search_type = search_type

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration and how it ended."""
        status = status_of(error)
        if status != "cancelled":
            DURATION.observe(seconds, self._collection, self._search_type)
        REQUESTS.inc(self._collection, self._search_type, status)

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the OpenTelemetry attributes of a database call."""
        return {
            "db.system.name": "qdrant",
            "db.operation.name": self._search_type,
            "db.collection.name": self._collection,
        }


class qdrant_index(Operation):  # noqa: N801 - read as a verb
    """Count one change of an index or of points; `operation` such as create, delete, upsert."""

    __slots__ = ("_collection", "_operation")
    span_name = "qdrant.index"

    def __init__(self, operation: str, collection: str) -> None:
        self._operation = operation
        self._collection = collection

    def record(self, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002
        """Record how it ended."""
        INDEX_OPERATIONS.inc(self._operation, self._collection, status_of(error))

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the OpenTelemetry attributes of a database call."""
        return {
            "db.system.name": "qdrant",
            "db.operation.name": self._operation,
            "db.collection.name": self._collection,
        }

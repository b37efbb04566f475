"""Retrievals: documents fetched for a model to answer from."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Histogram
from vectorwatch.instrument.operation import Operation, status_of

from .cost import COST
from .limits import MODES, STATUSES, names

_SOURCE_TYPES = names()
RETRIEVALS = Counter(
    "vital_rag_retrievals_total",
    "Retrievals that ended: `success`, `error` or `cancelled`.",
    {"mode": MODES, "source_type": _SOURCE_TYPES, "status": STATUSES},
)
DURATION = Histogram(
    "vital_rag_retrieval_duration_seconds",
    "Time of a retrieval; failures too, cancelled ones not.",
    {"mode": MODES, "source_type": _SOURCE_TYPES},
)
DOCUMENTS = Histogram(
    "vital_rag_documents_retrieved",
    "Documents that a retrieval found.",
    {"mode": MODES, "source_type": _SOURCE_TYPES},
    buckets=(0, 1, 2, 3, 5, 10, 20, 50, 100),
)


class rag_retrieval(Operation):  # noqa: N801 - read as a verb
    """Time and count one retrieval; inside, say what it found: `retrieval.documents(7)`.

    `cost_dollars` is what one costs that does not fail; it may be set inside the block, when it is known.
    """

    __slots__ = ("_documents", "_mode", "_source_type", "_tenant_id", "cost_dollars")
    span_name = "rag.retrieve"

    def __init__(
        self, mode: str, source_type: str, *, cost_dollars: float = 0.0, tenant_id: str = ""
    ) -> None:
        self._mode = mode
        self._source_type = source_type
        self._tenant_id = tenant_id
        self._documents = -1
        self.cost_dollars = cost_dollars

    def documents(self, count: int) -> None:
        """Say how many documents were found."""
        self._documents = count

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration, how it ended, what it found and what it cost."""
        status = status_of(error)
        RETRIEVALS.inc(self._mode, self._source_type, status)
        if status != "cancelled":
            DURATION.observe(seconds, self._mode, self._source_type)
        if self._documents >= 0:
            DOCUMENTS.observe(self._documents, self._mode, self._source_type)
        if self.cost_dollars and error is None:
            COST.inc("rag", self._mode, self._tenant_id, by=self.cost_dollars)

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return where it looked and what it found."""
        found = {"rag.documents": self._documents} if self._documents >= 0 else {}
        return {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": self._source_type,
            "rag.mode": self._mode,
            **found,
        }

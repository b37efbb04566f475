"""What is measured: one vector of one collection, with one filter or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .index import DenseVector, Index
from .settings import CollectionPlan, Ef, HnswSettings

SubjectKey = tuple[str, str, str]
"""Values of the labels collection, vector, filter."""


@dataclass(frozen=True)
class Subject:
    """A vector and the searches to compare on it."""

    collection: str
    vector: DenseVector
    filter_name: str
    ef: tuple[Ef, ...]
    k: tuple[int, ...]
    objective_ratio: float
    filter: Mapping[str, Any] | None = field(default=None, hash=False)
    quantization: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def key(self) -> SubjectKey:
        """Return the label values that name this subject."""
        return self.collection, self.vector.name, self.filter_name

    @property
    def largest_k(self) -> int:
        """Return how many neighbours the exact search must find."""
        return max(self.k)

    @property
    def searches_per_query(self) -> int:
        """Return the most searches that one query takes: exact, through the graph, and the check."""
        return 2 + len(self.ef) * len(self.k)

    def comparable_with(self, other: Subject) -> bool:
        """Tell whether measurements of `other` still say something of this subject."""
        return (self.vector.size, self.vector.larger_is_better) == (
            other.vector.size,
            other.vector.larger_is_better,
        )

    @property
    def scores_are_estimates(self) -> bool:
        """Tell whether a search may return scores of quantized vectors.

        Only binary quantization rescores unless told to (`default_rescoring` in Qdrant's
        `quantized_vectors/accessors.rs`), and what it is told can be seen here.
        """
        if not self.vector.quantized:
            return False
        chosen = self.quantization or {}
        return not (chosen.get("ignore") or chosen.get("rescore"))


def subjects_of(
    collection: str, index: Index, plans: list[CollectionPlan], settings: HnswSettings
) -> Iterator[Subject]:
    """Yield what can be measured of `collection`; without plans, every dense vector."""
    chosen: Iterable[CollectionPlan | None] = plans or [None]
    for plan in chosen:
        for vector in index.vectors:
            if plan is None or plan.vector in (None, vector.name):
                yield _build(collection, vector, plan, settings)


def _build(
    collection: str, vector: DenseVector, plan: CollectionPlan | None, settings: HnswSettings
) -> Subject:
    quantization = plan.quantization if plan else None
    return Subject(
        collection=collection,
        vector=vector,
        filter_name=plan.filter_name if plan else "",
        ef=tuple(settings.ef_of(plan)),
        k=tuple(settings.k_of(plan)),
        objective_ratio=settings.objective_of(plan),
        filter=plan.filter if plan else None,
        quantization=quantization.model_dump(exclude_none=True) if quantization else None,
    )

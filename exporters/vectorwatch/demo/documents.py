"""The demo's documents: made-up texts with clustered vectors, kept in a Qdrant collection."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from vectorwatch.demo import COLLECTION

ALIAS = "documents_live"
_TOPICS = ("billing", "contracts", "hardware", "onboarding", "research", "security", "shipping", "travel")
_CLUSTERS = 64
_SPREAD = 0.35
"""Noise around a cluster's centre, relative to its length: near enough to overlap, as texts do."""
_BATCH = 500
_YEARS = range(2015, 2027)
_SENTENCE = "Paragraph {part} of document {number} about {topic}, as a retrieval step hands it to a model. "
_INDEX_FROM_KILOBYTES = 1_000
"""The server's own 10,000 would leave 20,000 short vectors without a graph, and recall without a meaning."""

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Size:
    """How many documents there are, and how long their vectors."""

    documents: int = 20_000
    dimensions: int = 64


class DocumentMaker:
    """Makes documents and questions about them; the same seed makes the same ones."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size = size
        self._random = np.random.default_rng(seed)
        self._centres = self._random.normal(size=(_CLUSTERS, size.dimensions))

    def make_points(self, numbers: Sequence[int]) -> list[models.PointStruct]:
        """Return a point for each document number; a repeated number gets a new vector."""
        clusters = self._random.integers(_CLUSTERS, size=len(numbers))
        vectors = self._draw_near(clusters)
        payloads = map(self._describe, numbers, clusters.tolist())
        return [
            models.PointStruct(id=number, vector=vector.tolist(), payload=payload)
            for number, vector, payload in zip(numbers, vectors, payloads, strict=True)
        ]

    def make_questions(self, count: int) -> Vector:
        """Return `count` query vectors, one a row, spread like the documents."""
        return self._draw_near(self._random.integers(_CLUSTERS, size=count))

    def choose_numbers(self, count: int) -> list[int]:
        """Return `count` different numbers of documents to write again."""
        return [int(number) for number in self._random.choice(self.size.documents, size=count, replace=False)]

    def _draw_near(self, clusters: NDArray[Any]) -> Vector:
        noise = self._random.normal(size=(len(clusters), self.size.dimensions))
        return np.asarray(self._centres[clusters] + _SPREAD * noise, dtype=np.float32)

    def _describe(self, number: int, cluster: int) -> dict[str, Any]:
        topic = _TOPICS[cluster % len(_TOPICS)]
        text = "".join(_SENTENCE.format(part=part, number=number, topic=topic) for part in range(3))
        return {"topic": topic, "year": _YEARS[number % len(_YEARS)], "text": text}


class Documents:
    """The collection `documents`, read through its alias; every method raises what qdrant-client raises."""

    def __init__(self, client: QdrantClient, maker: DocumentMaker) -> None:
        self._client = client
        self._maker = maker

    def prepare(self) -> Iterator[int]:
        """Make the collection unless it is complete; yield the number of documents after each batch."""
        size = self._maker.size
        if not self._client.collection_exists(COLLECTION):
            self._create()
        stored = self._client.count(COLLECTION, exact=True).count
        # Numbers are written in order, so an interrupted start is taken up where it ended.
        for first in range(stored, size.documents, _BATCH):
            numbers = range(first, min(first + _BATCH, size.documents))
            self._client.upsert(COLLECTION, self._maker.make_points(numbers), wait=True)
            yield numbers.stop

    def write_again(self, count: int) -> None:
        """Replace `count` documents by new versions of themselves."""
        points = self._maker.make_points(self._maker.choose_numbers(count))
        self._client.upsert(COLLECTION, points, wait=True)

    def search(self, question: Sequence[float], topic: str | None = None) -> list[dict[str, Any]]:
        """Return the ten nearest documents (of a topic, if given) with the server's own `hnsw_ef`."""
        answer = self._client.query_points(
            ALIAS,
            query=list(question),
            query_filter=_filter_topic(topic) if topic else None,
            limit=10,
            with_payload=True,
        )
        return [{"id": point.id, "score": point.score, "payload": point.payload} for point in answer.points]

    def _create(self) -> None:
        vectors = models.VectorParams(size=self._maker.size.dimensions, distance=models.Distance.COSINE)
        self._client.create_collection(
            COLLECTION,
            vectors_config=vectors,
            hnsw_config=models.HnswConfigDiff(full_scan_threshold=_INDEX_FROM_KILOBYTES),
            optimizers_config=models.OptimizersConfigDiff(indexing_threshold=_INDEX_FROM_KILOBYTES),
        )
        self._client.create_payload_index(COLLECTION, "topic", models.PayloadSchemaType.KEYWORD)
        self._client.create_payload_index(COLLECTION, "year", models.PayloadSchemaType.INTEGER)
        alias = models.CreateAlias(collection_name=COLLECTION, alias_name=ALIAS)
        self._client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])


def choose_topic(randomness: np.random.Generator) -> str:
    """Return one of the topics."""
    return str(randomness.choice(_TOPICS))


def _filter_topic(topic: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key="topic", match=models.MatchValue(value=topic))])

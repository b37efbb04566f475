"""What a collection's description says of its index: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .answer import is_count, malformed, result_of

# Qdrant's defaults (`lib/segment/src/types.rs`), for a server that leaves a value out.
_DEFAULT_M = 16
_DEFAULT_FULL_SCAN_THRESHOLD_KB = 10_000
_BYTES_OF = {"float32": 4, "float16": 2, "uint8": 1}
_LARGER_IS_BETTER = {"Cosine": True, "Dot": True, "Euclid": False, "Manhattan": False}
# Under steady writes a few updates wait at any moment; more of them are a backlog.
_QUEUE_AT_REST = 10


class Bypass(StrEnum):
    """Why a search would not walk the graph, so that its recall says nothing of the index."""

    GRAPH_OFF = "graph_off"
    """`m` is 0."""
    UNINDEXED = "unindexed"
    """`indexed_vectors_count` is 0: every segment is still plain."""
    TOO_SMALL = "too_small"
    """All vectors together are below `full_scan_threshold`."""
    FEW_MATCHES = "few_matches"
    """What passes the filter is below `full_scan_threshold`."""


@dataclass(frozen=True, slots=True)
class DenseVector:
    """A vector that can be probed. `name` is empty for the unnamed one."""

    name: str
    size: int
    larger_is_better: bool
    size_bytes: int
    m: int
    payload_m: int
    full_scan_threshold_bytes: int
    quantized: bool


@dataclass(frozen=True, slots=True)
class Index:
    """A collection at one moment; `skipped` holds vectors that cannot be probed and what they are."""

    points: int
    indexed_vectors: int
    segments: int
    status: str
    queue_length: int
    vectors: tuple[DenseVector, ...]
    skipped: Mapping[str, str]

    @property
    def optimizing(self) -> bool:
        """Tell whether the index is being rebuilt, so that a search costs more and finds more or less."""
        return self.status == "yellow" or self.queue_length > _QUEUE_AT_REST


def find_bypass(index: Index, vector: DenseVector, *, filtered: bool, matching: int | None) -> Bypass | None:
    """Return why the graph is left aside, None when it is walked or when that cannot be known.

    Sizes are compared for the whole collection, the server compares each segment: a doubt counts as walked,
    because an index wrongly called unused would silence an alert on its recall.
    """
    if vector.m == 0 and not (filtered and vector.payload_m > 0):
        return Bypass.GRAPH_OFF
    if index.indexed_vectors == 0:
        return Bypass.UNINDEXED
    # `indexed_vectors_count` counts vectors of every name.
    if min(index.indexed_vectors, index.points) * vector.size_bytes < vector.full_scan_threshold_bytes:
        return Bypass.TOO_SMALL
    if matching is not None and matching * vector.size_bytes < vector.full_scan_threshold_bytes:
        return Bypass.FEW_MATCHES
    return None


def parse_index(document: Any) -> Index:
    """Return the collection of `GET /collections/{name}`. Raises TargetError(decode)."""
    result = _mapping(result_of(document), "result")
    config = _mapping(result.get("config"), "config")
    params = _mapping(config.get("params"), "params")
    declared = _vectors_of(params)
    sparse = dict.fromkeys(_optional(params, "sparse_vectors"), "sparse")
    multiple = {name: "multivector" for name, given in declared.items() if given.get("multivector_config")}
    return Index(
        points=_count(result, "points_count"),
        indexed_vectors=_count(result, "indexed_vectors_count"),
        segments=_count(result, "segments_count"),
        status=str(result.get("status")),
        queue_length=_count(_optional(result, "update_queue"), "length"),
        vectors=tuple(
            _parse_vector(name, given, config) for name, given in declared.items() if name not in multiple
        ),
        skipped=sparse | multiple,
    )


def _vectors_of(params: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return vector parameters by name; one unnamed vector has its parameters where the others have names."""
    vectors = _optional(params, "vectors")
    if is_count(vectors.get("size")):
        return {"": vectors}
    return {name: _mapping(given, "vectors") for name, given in vectors.items()}


def _parse_vector(name: str, given: Mapping[str, Any], config: Mapping[str, Any]) -> DenseVector:
    size, distance = given.get("size"), str(given.get("distance"))
    if not isinstance(size, int) or size < 1 or distance not in _LARGER_IS_BETTER:
        malformed("a vector without a known size and distance")
    hnsw = {**_optional(config, "hnsw_config"), **_given(_optional(given, "hnsw_config"))}
    threshold_kb = hnsw.get("full_scan_threshold", _DEFAULT_FULL_SCAN_THRESHOLD_KB)
    return DenseVector(
        name=name,
        size=size,
        larger_is_better=_LARGER_IS_BETTER[distance],
        size_bytes=size * _BYTES_OF.get(str(given.get("datatype") or "float32"), 4),
        m=_whole(hnsw.get("m"), _DEFAULT_M),
        payload_m=_whole(hnsw.get("payload_m"), 0),
        full_scan_threshold_bytes=_whole(threshold_kb, _DEFAULT_FULL_SCAN_THRESHOLD_KB) * 1024,
        quantized=bool(given.get("quantization_config") or config.get("quantization_config")),
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _whole(value: Any, default: int) -> int:
    return int(value) if is_count(value) else default


def _count(values: Mapping[str, Any], key: str) -> int:
    """Return a count; null, which a server sends while it does not know, is 0."""
    value = values.get(key)
    if value is not None and not is_count(value):
        malformed(f"`{key}` is no count")
    return int(value or 0)


def _optional(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _mapping(values.get(key) or {}, key)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        malformed(f"`{key}` is no object")
    return value

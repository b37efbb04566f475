"""A collection's configuration as the engine takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.configuration import list_dense_vectors, list_sparse_vectors
from vectorwatch.demo.engine.errors import BadBody, from_engine

_OPTIMIZER_FIELDS = (
    "deleted_threshold",
    "vacuum_min_vector_number",
    "default_segment_number",
    "max_segment_size",
    "indexing_threshold",
    "prevent_unoptimized",
)


@from_engine
def build_engine_config(configuration: Mapping[str, Any]) -> edge.EdgeConfig:
    """Return the engine's configuration for a collection. Raises BadBody and WrongInput."""
    hnsw = configuration["hnsw_config"]
    optimizer = configuration["optimizer_config"]
    return edge.EdgeConfig(
        vectors={
            name: _build_vector(params, hnsw) for name, params in list_dense_vectors(configuration).items()
        },
        sparse_vectors={
            name: _build_sparse(params) for name, params in list_sparse_vectors(configuration).items()
        },
        on_disk_payload=configuration["params"]["on_disk_payload"],
        hnsw_config=_build_hnsw(hnsw),
        quantization_config=build_quantization(configuration["quantization_config"]),
        optimizers=edge.EdgeOptimizersConfig(**{name: optimizer.get(name) for name in _OPTIMIZER_FIELDS}),
        # The binding holds the interpreter lock during a search, so more threads only add hand-overs
        # (measured: 20,000 × 32, ef 32: 11,100 searches/s with one thread, 4,700 with one a core).
        max_search_threads=1,
    )


def build_quantization(value: Mapping[str, Any] | None) -> Any:
    """Return the engine's quantization for `{"scalar": {…}}` and its siblings, or None."""
    if value is None:
        return None
    kind, params = next(iter(value.items()))
    always_ram = params.get("always_ram")
    if kind == "scalar":
        return edge.ScalarQuantizationConfig(
            type=_pick(edge.ScalarType, params.get("type", "int8")),
            quantile=params.get("quantile"),
            always_ram=always_ram,
        )
    if kind == "product":
        return edge.ProductQuantizationConfig(
            compression=_pick(edge.CompressionRatio, params.get("compression")), always_ram=always_ram
        )
    if kind == "binary":
        return edge.BinaryQuantizationConfig(
            always_ram=always_ram,
            encoding=_pick(edge.BinaryQuantizationEncoding, params.get("encoding")),
            query_encoding=_pick(edge.BinaryQuantizationQueryEncoding, params.get("query_encoding")),
        )
    return edge.TurboQuantQuantizationConfig(
        always_ram=always_ram, bits=_pick(edge.TurboQuantBitSize, params.get("bits"))
    )


def _build_vector(params: Mapping[str, Any], collection_hnsw: Mapping[str, Any]) -> edge.EdgeVectorParams:
    multivector = params.get("multivector_config")
    own_hnsw = params.get("hnsw_config")
    return edge.EdgeVectorParams(
        size=params["size"],
        distance=_pick(edge.Distance, params["distance"]),
        on_disk=params.get("on_disk"),
        multivector_config=None
        if multivector is None
        else edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
        datatype=_pick(edge.VectorStorageDatatype, params.get("datatype")),
        quantization_config=build_quantization(params.get("quantization_config")),
        hnsw_config=None if own_hnsw is None else _build_hnsw({**collection_hnsw, **own_hnsw}),
    )


def _build_sparse(params: Mapping[str, Any]) -> edge.EdgeSparseVectorParams:
    index = params.get("index") or {}
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=index.get("full_scan_threshold"),
        on_disk=index.get("on_disk"),
        modifier=_pick(edge.Modifier, params.get("modifier")),
        datatype=_pick(edge.VectorStorageDatatype, index.get("datatype")),
    )


def _build_hnsw(values: Mapping[str, Any]) -> edge.HnswIndexConfig:
    return edge.HnswIndexConfig(
        m=values["m"],
        ef_construct=values["ef_construct"],
        full_scan_threshold=values["full_scan_threshold"],
        max_indexing_threads=values["max_indexing_threads"],
        on_disk=values.get("on_disk"),
        payload_m=values.get("payload_m"),
        inline_storage=values.get("inline_storage"),
    )


def _pick(choices: Any, written: Any) -> Any:
    """Return the member of an engine enumeration that Qdrant's JSON writes in snake or lower case."""
    if written is None:
        return None
    members = {name.lower(): name for name in dir(choices) if not name.startswith("_")}
    name = members.get(str(written).replace("_", "").lower()) or members.get(str(written).lower())
    if name is None:
        raise BadBody(f"unknown variant `{written}`, expected one of {', '.join(sorted(members))}")
    return getattr(choices, name)

"""A collection's configuration: from a create or patch request to what `GET` shows.

Defaults are those of Qdrant 1.19 (`config/config.yaml`, `lib/segment/src/types.rs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectorwatch.demo.engine.errors import BadBody, BadValue, WrongInput
from vectorwatch.demo.engine.fields import Fields, require
from vectorwatch.demo.engine.strict_mode import read_rules

DISTANCES = ("Cosine", "Euclid", "Dot", "Manhattan")
_LARGEST_VECTOR = 65_536
_HNSW = {
    "m": 16,
    "ef_construct": 100,
    "full_scan_threshold": 10_000,
    "max_indexing_threads": 0,
    "on_disk": False,
}
_OPTIMIZER = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "max_segment_size": None,
    "memmap_threshold": None,
    "indexing_threshold": 10_000,
    "flush_interval_sec": 5,
    "max_optimization_threads": None,
}
_WAL = {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1}
_FORBIDDEN_IN_NAMES = '<>:"/\\|?*\0\x1f'
"""From `lib/common/common/src/validation.rs`; everything else, a newline too, is a legal name."""


def check_collection_name(name: str) -> None:
    """Raises BadValue for a name that Qdrant refuses to create."""
    for character in _FORBIDDEN_IN_NAMES:
        if character in name:
            raise BadValue("name", f'collection name cannot contain "{character}" char', "path parameters")
    if not 1 <= len(name) <= 255:
        raise BadValue("name", f"value {name!r} invalid, must be from 1 to 255 characters", "path parameters")


def complete_configuration(body: Fields) -> dict[str, Any]:
    """Return the full configuration for a create request. Raises BadBody and BadValue."""
    sparse = {
        name: dict(Fields(value or {}, name).raw) for name, value in _mapping(body, "sparse_vectors").items()
    }
    params: dict[str, Any] = {"vectors": _read_vectors(body.any("vectors") or {})}
    if sparse:
        params["sparse_vectors"] = sparse
    if not params["vectors"] and not sparse:
        raise WrongInput("a collection of the embedded engine needs at least one vector")
    # One engine shard on one node: what the request says of shards and replicas cannot be had.
    params |= {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1}
    params["on_disk_payload"] = _default(body.flag("on_disk_payload"), True)
    configuration = {
        "params": params,
        "hnsw_config": _HNSW | _read_hnsw(body, "hnsw_config"),
        "optimizer_config": _OPTIMIZER | _read_optimizers(body),
        "wal_config": _WAL | _mapping(body, "wal_config"),
        "quantization_config": _read_quantization(body.any("quantization_config")),
    }
    return _merge_extras(configuration, body)


def patch_configuration(configuration: Mapping[str, Any], body: Fields) -> dict[str, Any]:
    """Return `configuration` with the changes that a PATCH request names."""
    changed = dict(configuration)
    changed["hnsw_config"] = configuration["hnsw_config"] | _read_hnsw(body, "hnsw_config")
    changed["optimizer_config"] = configuration["optimizer_config"] | _read_optimizers(body)
    if "quantization_config" in body:
        changed["quantization_config"] = _read_quantization(body.any("quantization_config"))
    if "vectors" in body:
        changed["params"] = dict(configuration["params"]) | {"vectors": _patch_vectors(configuration, body)}
    return _merge_extras(changed, body)


def list_dense_vectors(configuration: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each dense vector by name; the unnamed one has the name ``."""
    vectors = configuration["params"]["vectors"]
    return {"": vectors} if isinstance(vectors.get("size"), int) else vectors


def list_sparse_vectors(configuration: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each sparse vector by name."""
    sparse: dict[str, dict[str, Any]] = configuration["params"].get("sparse_vectors", {})
    return sparse


def _read_vectors(value: Any) -> dict[str, Any]:
    fields = Fields(value, "vectors")
    if "size" in fields and not isinstance(fields.any("size"), dict):
        return _read_vector(fields)
    return {name: _read_vector(Fields(one, name)) for name, one in fields.raw.items()}


def _read_vector(fields: Fields) -> dict[str, Any]:
    size = require(fields.integer("size", minimum=1), "size")
    if size > _LARGEST_VECTOR:
        raise BadValue("vectors.size", f"value {size} invalid, must be from 1 to {_LARGEST_VECTOR}")
    distance = require(fields.text("distance"), "distance")
    if distance not in DISTANCES:
        raise BadBody(f"unknown variant `{distance}`, expected one of {', '.join(DISTANCES)}")
    kept = {name: value for name, value in fields.raw.items() if value is not None and name in _VECTOR_EXTRAS}
    return {"size": size, "distance": distance} | kept


_VECTOR_EXTRAS = ("hnsw_config", "quantization_config", "on_disk", "memory", "datatype", "multivector_config")


def _patch_vectors(configuration: Mapping[str, Any], body: Fields) -> dict[str, Any]:
    vectors = {name: dict(params) for name, params in list_dense_vectors(configuration).items()}
    for name, value in _mapping(body, "vectors").items():
        if name not in vectors:
            raise WrongInput(f"Not existing vector name error: {name}")
        change = Fields(value, name)
        if "hnsw_config" in change:
            vectors[name]["hnsw_config"] = vectors[name].get("hnsw_config", {}) | _read_hnsw(
                change, "hnsw_config"
            )
        vectors[name] |= {key: change.any(key) for key in ("quantization_config", "on_disk") if key in change}
    return vectors[""] if list(vectors) == [""] else vectors


def _read_hnsw(body: Fields, name: str) -> dict[str, Any]:
    fields = body.fields(name)
    if fields is None:
        return {}
    minima = {"m": 0, "ef_construct": 4, "full_scan_threshold": 0, "max_indexing_threads": 0, "payload_m": 0}
    numbers = {key: fields.integer(key, minimum=minimum) for key, minimum in minima.items()}
    flags = {key: fields.flag(key) for key in ("on_disk", "inline_storage")}
    return {key: value for key, value in (numbers | flags).items() if value is not None}


def _read_optimizers(body: Fields) -> dict[str, Any]:
    fields = body.fields("optimizers_config")
    if fields is None:
        return {}
    whole = [name for name in _OPTIMIZER if name not in ("deleted_threshold", "max_optimization_threads")]
    read: dict[str, Any] = {name: fields.integer(name) for name in whole}
    read["deleted_threshold"] = fields.number("deleted_threshold")
    read["prevent_unoptimized"] = fields.flag("prevent_unoptimized")
    return {name: value for name, value in read.items() if value is not None}


def _read_quantization(value: Any) -> dict[str, Any] | None:
    if value is None or value == "Disabled":
        return None
    fields = Fields(value, "quantization_config")
    known = [name for name in ("scalar", "product", "binary", "turbo") if name in fields]
    if len(known) != 1:
        raise BadBody("quantization_config: expected one of scalar, product, binary, turbo")
    return {known[0]: dict(require(fields.fields(known[0]), known[0]).raw)}


def _merge_extras(configuration: dict[str, Any], body: Fields) -> dict[str, Any]:
    if strict := body.fields("strict_mode_config"):
        configuration["strict_mode_config"] = configuration.get("strict_mode_config", {}) | read_rules(strict)
    if "metadata" in body:
        configuration["metadata"] = configuration.get("metadata", {}) | _mapping(body, "metadata")
    return configuration


def _mapping(body: Fields, name: str) -> dict[str, Any]:
    fields = body.fields(name)
    return {} if fields is None else dict(fields.raw)


def _default(value: Any, default: Any) -> Any:
    return default if value is None else value

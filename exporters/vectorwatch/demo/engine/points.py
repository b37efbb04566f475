"""Points: Qdrant's JSON to the engine's objects and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.configuration import list_dense_vectors, list_sparse_vectors
from vectorwatch.demo.engine.errors import BadBody, WrongInput, from_engine
from vectorwatch.demo.engine.fields import Fields, require
from vectorwatch.demo.engine.filters import PointId, read_point_id


class VectorReader:
    """Reads vectors for one collection, checking size and kind before the engine's log holds them."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._dense = list_dense_vectors(configuration)
        self._sparse = list_sparse_vectors(configuration)

    def read_named(self, value: Any) -> dict[str, Any]:
        """Return vectors by name; a bare list is the unnamed vector."""
        if isinstance(value, list):
            return {"": self.read(value, "")}
        return {name: self.read(one, name) for name, one in Fields(value, "vector").raw.items()}

    def read(self, value: Any, name: str) -> Any:
        """Return one vector of the named kind. Raises BadBody and WrongInput."""
        if name in self._sparse:
            return _read_sparse(value)
        if name not in self._dense:
            raise WrongInput(f"Not existing vector name error: {name}")
        size = self._dense[name]["size"]
        if "multivector_config" not in self._dense[name]:
            return _read_dense(value, size)
        rows = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        return [_read_dense(row, size) for row in rows]


@from_engine
def read_points(body: Fields, configuration: Mapping[str, Any]) -> list[edge.Point]:
    """Return the points of an upsert, in the list or the batch form."""
    reader = VectorReader(configuration)
    if "batch" in body:
        rows = _unfold_batch(require(body.fields("batch"), "batch"))
    else:
        rows = require(body.array("points"), "points")
    return [_read_point(Fields(row, "point"), reader) for row in rows]


@from_engine
def read_point_vectors(body: Fields, configuration: Mapping[str, Any]) -> list[edge.PointVectors]:
    """Return the points of a vector update."""
    reader = VectorReader(configuration)
    rows = [Fields(row, "point") for row in require(body.array("points"), "points")]
    return [edge.PointVectors(_read_id(row), reader.read_named(row.any("vector"))) for row in rows]


def write_record(record: edge.Record) -> dict[str, Any]:
    """Return a stored point as Qdrant's JSON."""
    return {"id": write_point_id(record.id)} | _write_content(record)


def write_scored(point: edge.ScoredPoint) -> dict[str, Any]:
    """Return a found point as Qdrant's JSON."""
    scored = {"id": write_point_id(point.id), "version": point.version, "score": point.score}
    return scored | _write_content(point)


def write_point_id(point_id: Any) -> int | str | None:
    """Return a point id as JSON: UUIDs as text."""
    return point_id if point_id is None or isinstance(point_id, int) else str(point_id)


def read_content_selection(body: Fields, *, payload: bool) -> tuple[Any, Any]:
    """Return what `with_payload` and `with_vector` ask for; `payload` is the former's default."""
    chosen = body.any("with_payload")
    vector = body.any("with_vector")
    if not isinstance(vector, bool | list | None):
        raise BadBody("with_vector: expected a boolean or a list of vector names")
    return (payload if chosen is None else _read_payload_selector(chosen)), vector or False


def _read_payload_selector(chosen: Any) -> Any:
    if isinstance(chosen, bool | list):
        return chosen
    fields = Fields(chosen, "with_payload")
    if "include" in fields:
        return edge.PayloadSelector.Include(require(fields.array("include"), "include"))
    return edge.PayloadSelector.Exclude(require(fields.array("exclude"), "exclude"))


def _read_point(fields: Fields, reader: VectorReader) -> edge.Point:
    payload = fields.fields("payload")
    vector = require(fields.any("vector"), "vector")
    return edge.Point(
        _read_id(fields), reader.read_named(vector), None if payload is None else dict(payload.raw)
    )


def _read_id(fields: Fields) -> PointId:
    return read_point_id(require(fields.any("id"), "id"))


def _unfold_batch(batch: Fields) -> list[dict[str, Any]]:
    ids = require(batch.array("ids"), "ids")
    payloads = batch.array("payloads") or [None] * len(ids)
    vectors = require(batch.any("vectors"), "vectors")
    rows = vectors if isinstance(vectors, list) else _unfold_named(Fields(vectors, "vectors").raw, len(ids))
    if not len(ids) == len(rows) == len(payloads):
        raise WrongInput(f"batch: {len(ids)} ids, {len(rows)} vectors and {len(payloads)} payloads")
    return [
        {"id": one, "vector": vector, "payload": payload}
        for one, vector, payload in zip(ids, rows, payloads, strict=True)
    ]


def _unfold_named(vectors: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    for name, rows in vectors.items():
        if not isinstance(rows, list) or len(rows) != count:
            raise WrongInput(f"batch: expected {count} vectors named `{name}`")
    return [{name: rows[row] for name, rows in vectors.items()} for row in range(count)]


def _read_dense(value: Any, size: int) -> list[float]:
    if not isinstance(value, list):
        raise BadBody("a vector is a list of numbers; inference is not offered by the embedded engine")
    if len(value) != size:
        raise WrongInput(f"Vector dimension error: expected dim: {size}, got {len(value)}")
    try:
        finite = math.isfinite(sum(value))
    except TypeError as error:
        raise BadBody("a vector is a list of numbers") from error
    if not finite:
        raise BadBody("number out of range in a vector")
    return value


def _read_sparse(value: Any) -> edge.SparseVector:
    fields = Fields(value, "sparse vector")
    indices, values = require(fields.array("indices"), "indices"), require(fields.array("values"), "values")
    if len(indices) != len(values):
        raise WrongInput("a sparse vector needs as many indices as values")
    return edge.SparseVector(indices, values)


def _write_content(point: edge.Record | edge.ScoredPoint) -> dict[str, Any]:
    content = {
        "payload": point.payload,
        "vector": _write_vector(point.vector),
        "order_value": point.order_value,
    }
    return {name: value for name, value in content.items() if value is not None}


def _write_vector(vector: Any) -> Any:
    if isinstance(vector, edge.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    if isinstance(vector, dict):
        return {name: _write_vector(one) for name, one in vector.items()}
    return vector

"""Routes that write points, and those that read them by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.endpoint import Action, Call
from vectorwatch.demo.engine.errors import BadBody, NotFound, from_engine
from vectorwatch.demo.engine.fields import Fields, require
from vectorwatch.demo.engine.filters import PointId, read_filter, read_point_id
from vectorwatch.demo.engine.points import (
    read_content_selection,
    read_point_vectors,
    read_points,
    write_record,
)

Operation = edge.UpdateOperation

_POINTS_A_CALL = 500
"""A call of the engine stops all other requests; an upsert of any size must not do so for long."""


def acknowledge(call: Call, operation: int) -> dict[str, Any]:
    """Return the answer to a write; it is applied either way, but clients expect what they asked for."""
    return {"operation_id": operation, "status": "completed" if call.wait else "acknowledged"}


def _upsert(call: Call) -> dict[str, Any]:
    collection = call.collection
    points = read_points(call.fields, collection.configuration)
    collection.strict_mode.check_write(len(points))
    operation = 0
    for start in range(0, len(points), _POINTS_A_CALL):
        batch = points[start : start + _POINTS_A_CALL]
        operation = collection.write(Operation.upsert_points(batch), len(batch))
    return acknowledge(call, operation)


def _update_vectors(call: Call) -> dict[str, Any]:
    collection = call.collection
    changed = read_point_vectors(call.fields, collection.configuration)
    return acknowledge(call, collection.write(Operation.update_vectors(changed), len(changed)))


def _delete(call: Call) -> dict[str, Any]:
    return _write_to_selected(call, Operation.delete_points, Operation.delete_points_by_filter)


def _set_payload(call: Call) -> dict[str, Any]:
    payload, key = _read_payload(call.fields)
    return _write_to_selected(
        call,
        lambda ids: Operation.set_payload(ids, payload, key),
        lambda wanted: Operation.set_payload_by_filter(wanted, payload, key),
    )


def _overwrite_payload(call: Call) -> dict[str, Any]:
    payload, key = _read_payload(call.fields)
    return _write_to_selected(
        call,
        lambda ids: Operation.overwrite_payload(ids, payload, key),
        lambda wanted: Operation.overwrite_payload_by_filter(wanted, payload, key),
    )


def _delete_payload(call: Call) -> dict[str, Any]:
    keys = require(call.fields.array("keys"), "keys")
    return _write_to_selected(
        call,
        lambda ids: Operation.delete_payload(ids, keys),
        lambda wanted: Operation.delete_payload_by_filter(wanted, keys),
    )


def _clear_payload(call: Call) -> dict[str, Any]:
    return _write_to_selected(call, Operation.clear_payload, Operation.clear_payload_by_filter)


def _read_payload(body: Fields) -> tuple[dict[str, Any], str | None]:
    return dict(require(body.fields("payload"), "payload").raw), body.text("key")


@from_engine
def _write_to_selected(
    call: Call,
    by_ids: Callable[[list[PointId]], edge.UpdateOperation],
    by_filter: Callable[[edge.Filter], edge.UpdateOperation],
) -> dict[str, Any]:
    body, collection = call.fields, call.collection
    collection.strict_mode.check_write(1)
    if "points" in body:
        ids = [read_point_id(one) for one in require(body.array("points"), "points")]
        return acknowledge(call, collection.write(by_ids(ids)))
    wanted = read_filter(body.any("filter"))
    if wanted is None:
        raise BadBody("expected `points` or `filter`")
    return acknowledge(call, collection.write(by_filter(wanted)))


def _retrieve(call: Call) -> list[dict[str, Any]]:
    body, collection = call.fields, call.collection
    collection.strict_mode.check_read(body)
    ids = [read_point_id(one) for one in require(body.array("ids"), "ids")]
    payload, vector = read_content_selection(body, payload=True)
    return [write_record(one) for one in collection.read(lambda shard: shard.retrieve(ids, payload, vector))]


def _retrieve_one(call: Call) -> dict[str, Any]:
    written = call.path["id"]
    point_id: PointId = int(written) if written.isdecimal() else written
    found = call.collection.read(lambda shard: shard.retrieve([point_id], True, True))
    if not found:
        raise NotFound(f"Point with id {written} does not exists!")
    return write_record(found[0])


_POINTS = "/collections/{collection_name}/points"
ACTIONS: list[tuple[str, str, Action]] = [
    ("PUT", _POINTS, _upsert),
    ("POST", _POINTS, _retrieve),
    ("PUT", f"{_POINTS}/vectors", _update_vectors),
    ("POST", f"{_POINTS}/delete", _delete),
    ("POST", f"{_POINTS}/payload", _set_payload),
    ("PUT", f"{_POINTS}/payload", _overwrite_payload),
    ("POST", f"{_POINTS}/payload/delete", _delete_payload),
    ("POST", f"{_POINTS}/payload/clear", _clear_payload),
    ("GET", f"{_POINTS}/{{id}}", _retrieve_one),
]

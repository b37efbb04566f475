"""Routes about collections, their aliases and payload indexes."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.endpoint import Action, Call
from vectorwatch.demo.engine.fields import require
from vectorwatch.demo.engine.payload_index import describe_index, read_index
from vectorwatch.demo.engine.routes_points import acknowledge


def _list_collections(call: Call) -> dict[str, Any]:
    return {"collections": [{"name": one.name} for one in call.node.catalogue.list_collections()]}


def _create_collection(call: Call) -> bool:
    call.node.catalogue.create(call.collection_name, call.fields)
    return True


def _patch_collection(call: Call) -> bool:
    call.collection.reconfigure(call.fields)
    return True


def _drop_collection(call: Call) -> bool:
    return call.node.catalogue.drop(call.collection_name)


def _tell_existence(call: Call) -> dict[str, bool]:
    return {"exists": call.node.catalogue.contains(call.collection_name)}


def _read_collection(call: Call) -> dict[str, Any]:
    collection = call.collection
    info = collection.info()
    schemas = collection.index_schemas
    return {
        "status": collection.status,
        "optimizer_status": "ok" if collection.failure is None else {"error": collection.failure},
        "indexed_vectors_count": info.indexed_vectors_count,
        "points_count": info.points_count,
        "segments_count": info.segments_count,
        "config": collection.configuration,
        "payload_schema": {
            field: describe_index(one, schemas.get(field))
            for field, one in sorted(info.payload_schema.items())
        },
        # Writes are applied before they are answered, so none ever waits.
        "update_queue": {"length": 0},
    }


def _read_shards(call: Call) -> dict[str, Any]:
    shard = {"shard_id": 0, "points_count": call.collection.info().points_count, "state": "Active"}
    return {
        "peer_id": call.node.peer_id,
        "shard_count": 1,
        "local_shards": [shard],
        "remote_shards": [],
        "shard_transfers": [],
    }


def _list_aliases(call: Call) -> dict[str, Any]:
    return {"aliases": call.node.catalogue.list_aliases()}


def _list_collection_aliases(call: Call) -> dict[str, Any]:
    return {"aliases": call.node.catalogue.list_aliases(call.collection.name)}


def _change_aliases(call: Call) -> bool:
    call.node.catalogue.change_aliases(require(call.fields.array("actions"), "actions"))
    return True


def _create_index(call: Call) -> dict[str, Any]:
    body, collection = call.fields, call.collection
    field = require(body.text("field_name"), "field_name")
    schema = require(body.any("field_schema") or body.any("field_type"), "field_schema")
    operation = collection.write(edge.UpdateOperation.create_field_index(field, read_index(schema)))
    collection.remember_index(field, schema)
    return acknowledge(call, operation)


def _drop_index(call: Call) -> dict[str, Any]:
    field, collection = call.path["field_name"], call.collection
    operation = collection.write(edge.UpdateOperation.delete_field_index(field))
    collection.remember_index(field, None)
    return acknowledge(call, operation)


_COLLECTION = "/collections/{collection_name}"
ACTIONS: list[tuple[str, str, Action]] = [
    ("GET", "/collections", _list_collections),
    ("POST", "/collections/aliases", _change_aliases),
    ("GET", "/aliases", _list_aliases),
    ("GET", _COLLECTION, _read_collection),
    ("PUT", _COLLECTION, _create_collection),
    ("PATCH", _COLLECTION, _patch_collection),
    ("DELETE", _COLLECTION, _drop_collection),
    ("GET", f"{_COLLECTION}/exists", _tell_existence),
    ("GET", f"{_COLLECTION}/cluster", _read_shards),
    ("GET", f"{_COLLECTION}/aliases", _list_collection_aliases),
    ("PUT", f"{_COLLECTION}/index", _create_index),
    ("DELETE", f"{_COLLECTION}/index/{{field_name}}", _drop_index),
]

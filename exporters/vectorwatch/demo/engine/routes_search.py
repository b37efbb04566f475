"""Routes that search, scroll and count."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.endpoint import Action, Call
from vectorwatch.demo.engine.errors import NotFound, WrongInput
from vectorwatch.demo.engine.fields import Fields, require
from vectorwatch.demo.engine.filters import PointId, read_filter
from vectorwatch.demo.engine.points import write_point_id, write_record, write_scored
from vectorwatch.demo.engine.queries import QueryReader, modernize_search, read_limit, read_scroll


def _query(call: Call) -> dict[str, Any]:
    return {"points": _find_points(call.collection, call.fields)}


def _query_batch(call: Call) -> list[dict[str, Any]]:
    collection = call.collection
    searches = require(call.fields.array("searches"), "searches")
    collection.strict_mode.check_batch(len(searches))
    return [{"points": _find_points(collection, Fields(one, "search"))} for one in searches]


def _search(call: Call) -> list[dict[str, Any]]:
    return _find_points(call.collection, modernize_search(call.fields))


def _find_points(collection: Collection, body: Fields) -> list[dict[str, Any]]:
    collection.strict_mode.check_read(body, read_limit(body))
    reader = QueryReader(
        collection.configuration, lambda point_id, name: _fetch_vector(collection, point_id, name)
    )
    request = reader.read_query(body)
    return [write_scored(one) for one in collection.read(lambda shard: shard.query(request))]


def _fetch_vector(collection: Collection, point_id: PointId, name: str) -> Any:
    found = collection.read(lambda shard: shard.retrieve([point_id], False, [name] if name else True))
    if not found:
        raise NotFound(f"No point with id {point_id} found")
    vector: Any = found[0].vector
    if isinstance(vector, dict):
        vector = vector.get(name)
    if vector is None:
        raise WrongInput(f"Not existing vector name error: {name}")
    return vector


def _scroll(call: Call) -> dict[str, Any]:
    body, collection = call.fields, call.collection
    collection.strict_mode.check_read(body, read_limit(body))
    request = read_scroll(body)
    records, following = collection.read(lambda shard: shard.scroll(request))
    return {"points": [write_record(one) for one in records], "next_page_offset": write_point_id(following)}


def _count(call: Call) -> dict[str, Any]:
    body, collection = call.fields, call.collection
    collection.strict_mode.check_read(body)
    exact = body.flag("exact")
    request = edge.CountRequest(exact=exact is not False, filter=read_filter(body.any("filter")))
    return {"count": collection.read(lambda shard: shard.count(request))}


_POINTS = "/collections/{collection_name}/points"
ACTIONS: list[tuple[str, str, Action]] = [
    ("POST", f"{_POINTS}/query", _query),
    ("POST", f"{_POINTS}/query/batch", _query_batch),
    ("POST", f"{_POINTS}/search", _search),
    ("POST", f"{_POINTS}/scroll", _scroll),
    ("POST", f"{_POINTS}/count", _count),
]

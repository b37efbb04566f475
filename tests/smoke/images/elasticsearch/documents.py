"""The documents of the data streams, on disk, and the searches that the stack and its checks make.

Of the query language: `match_all`, `term`, `range` (in milliseconds), `bool` with `filter`; of aggregations:
`filter`, `terms` (`missing`, `size`), `max`. Anything else is an error: no answer must pass for an empty one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

Object = dict[str, Any]
_INGESTED = "event.ingested"


class QueryError(Exception):
    """A search asks for something that the stand-in does not know."""


class Documents:
    """Documents by data stream and id; a second one of the same id is refused."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute(
            "PRAGMA synchronous = NORMAL"
        )  # what was committed survives the end of the process
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS documents (stream TEXT, id TEXT, ingested REAL, body TEXT,"
            " PRIMARY KEY (stream, id))"
        )
        self._file.execute("CREATE INDEX IF NOT EXISTS by_time ON documents (ingested)")

    def create(self, stream: str, identity: str, body: Object) -> bool:
        """Add a document; return False when its id is there already. On disk after `commit`."""
        ingested = read_milliseconds(get(body, _INGESTED)) or 0
        row = (stream, identity, ingested, json.dumps(body))
        found = self._file.execute("INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?)", row)
        return found.rowcount == 1

    def commit(self) -> None:
        """Write what was added to disk."""
        self._file.commit()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, streams: Sequence[str]) -> Object:
        """Return the documents of streams by `stream/id`."""
        rows = self._file.execute("SELECT stream, id, body FROM documents")
        return {
            f"{stream}/{identity}": json.loads(body) for stream, identity, body in rows if stream in streams
        }

    def search(self, streams: Sequence[str], body: Object) -> Object:
        """Return the answer of a search in streams. Raises QueryError."""
        found = [one for one in self._select(streams, body) if holds(body.get("query", {}), one[1])]
        answer: Object = {
            "took": 1,
            "timed_out": False,
            "_shards": {"total": 5, "successful": 5, "failed": 0},
        }
        for sort in body.get("sort", []):
            ((name, how),) = sort.items()
            found.sort(
                key=lambda one: read_milliseconds(get(one[1], name)) or 0, reverse=how["order"] == "desc"
            )
        hits = [_make_hit(identity, one, body) for identity, one in found[: body.get("size", 10)]]
        answer["hits"] = {"total": {"value": len(found), "relation": "eq"}, "hits": hits}
        if "aggs" in body:
            answer["aggregations"] = aggregate(body["aggs"], [one for _, one in found])
        return answer

    def _select(self, streams: Sequence[str], body: Object) -> list[tuple[str, Object]]:
        since = body.get("query", {}).get("range", {}).get(_INGESTED, {}).get("gte", -1)
        rows = self._file.execute("SELECT stream, id, body FROM documents WHERE ingested >= ?", (since,))
        return [(identity, json.loads(text)) for stream, identity, text in rows if stream in streams]


def holds(query: Object, document: Object) -> bool:
    """Tell whether a document is one that a query looks for. Raises QueryError."""
    if not query:
        return True
    ((kind, body),) = query.items()
    if kind == "match_all":
        return True
    if kind == "bool" and body.keys() == {"filter"}:
        return all(holds(part, document) for part in body["filter"])
    if kind == "term":
        ((name, wanted),) = body.items()
        value = get(document, name)
        return bool(wanted in value if isinstance(value, list) else value == wanted)
    if kind == "range":
        ((name, bounds),) = body.items()
        at = read_milliseconds(get(document, name))
        if bounds.keys() - {"gte", "format"}:
            raise QueryError(f"range with {sorted(bounds)}")
        return at is not None and at >= bounds["gte"]
    raise QueryError(f"query {kind}")


def aggregate(wanted: Object, documents: Sequence[Object]) -> Object:
    """Return the aggregations of documents. Raises QueryError."""
    return {name: _aggregate(body, documents) for name, body in wanted.items()}


def _aggregate(body: Object, documents: Sequence[Object]) -> Object:
    more = body.get("aggs", {})
    if "filter" in body:
        found = [document for document in documents if holds(body["filter"], document)]
        return {"doc_count": len(found), **aggregate(more, found)}
    if "max" in body:
        times = [read_milliseconds(get(document, body["max"]["field"])) for document in documents]
        return {"value": max((time for time in times if time is not None), default=None)}
    if "terms" not in body:
        raise QueryError(f"aggregation {sorted(body)}")
    groups = _group(body["terms"], documents)
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    kept, rest = largest[: body["terms"].get("size", 10)], largest[body["terms"].get("size", 10) :]
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(len(group) for _, group in rest),
        "buckets": [{"key": key, "doc_count": len(group), **aggregate(more, group)} for key, group in kept],
    }


def _group(terms: Object, documents: Iterable[Object]) -> Mapping[str, list[Object]]:
    groups: dict[str, list[Object]] = {}
    for document in documents:
        value = get(document, terms["field"])
        value = terms.get("missing") if value is None else value
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                groups.setdefault(one, []).append(document)
    return groups


def get(document: Object, name: str) -> Any:
    """Return the value of `a.b`, None where there is none."""
    place: Any = document
    for part in name.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def read_milliseconds(value: Any) -> float | None:
    """Return a date of a document in Unix milliseconds, None for what is none."""
    try:
        return datetime.fromisoformat(value).timestamp() * 1000
    except (TypeError, ValueError):
        return None


def _make_hit(identity: str, document: Object, body: Object) -> Object:
    hit: Object = {"_id": identity}
    if body.get("_source", True):
        hit["_source"] = document
    for field in body.get("docvalue_fields", []):
        at = read_milliseconds(get(document, field["field"]))
        if at is not None:
            hit.setdefault("fields", {})[field["field"]] = [str(round(at))]
    return hit

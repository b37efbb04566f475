"""`vectorwatch elastic setup-kibana`: data views, searches and dashboards, before somebody opens Kibana.

Paths and answers are those of Kibana's documentation (saved objects: import; data views: default) and of
`src/core/packages/saved-objects/` in its source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vectorwatch.errors import ConfigError, VectorwatchError

from .client import ElasticError, LoginError, Server
from .connection import read_password
from .object_files import ObjectFile, read_objects
from .saved_objects.data_view import LOGS
from .waiting import Patience

_HEADERS = {"kbn-xsrf": "vectorwatch"}
"""Kibana refuses a change without this header, which no page of another site can send."""
_KINDS = {"index-pattern": "data view", "search": "saved search", "dashboard": "dashboard"}
_PLURALS = {"search": "saved searches"}


def set_up_kibana(
    *,
    url: str,
    user: str,
    password_file: Path,
    source: Path,
    grafana: str,
    jaeger: str,
    patience: Patience,
    ca_file: Path | None = None,
) -> Iterator[str]:
    """Make the Kibana at `url` hold the objects of `source`; yield the lines to show.

    A second run leads to the same. Raises ConfigError before Kibana is asked, and VectorwatchError with a
    line for each object that Kibana did not take.
    """
    objects = read_objects(source, grafana=grafana, jaeger=jaeger)
    password = _read_password(password_file)
    with Server("Kibana", url, user=user, password=password, ca_file=ca_file, headers=_HEADERS) as kibana:
        try:
            patience.attempt(lambda: _check_status(kibana))
            answer = patience.attempt(lambda: _import(kibana, objects))
            _check_import(answer, objects)
            yield f"kibana: {_count(objects.titles)} are there"
            yield patience.attempt(lambda: _choose_data_view(kibana))
        except LoginError as error:
            raise VectorwatchError(
                f"kibana: {error}; Kibana asks Elasticsearch, and what is wrong there is told by"
                " `vectorwatch elastic setup-elasticsearch`"
            ) from error
        except ElasticError as error:
            raise VectorwatchError(f"kibana: {error}{_advise(str(error))}") from error


def _check_status(kibana: Server) -> None:
    """Kibana answers 503 until it can keep objects; the level is that of all its parts, also of idle ones."""
    status = kibana.get("/api/status").get("status")
    overall = status.get("overall") if isinstance(status, dict) else None
    if not isinstance(overall, dict) or "level" not in overall:
        raise ElasticError(f"{kibana.url} answers, but not as Kibana; is that its address?")


def _import(kibana: Server, objects: ObjectFile) -> Mapping[str, Any]:
    file = ("vectorwatch.ndjson", objects.text.encode("utf-8"), "application/ndjson")
    return kibana.send("POST", "/api/saved_objects/_import?overwrite=true", files={"file": file})


def _check_import(answer: Mapping[str, Any], objects: ObjectFile) -> None:
    """Raise VectorwatchError with a line for each object that was not imported."""
    if answer.get("success") is True and answer.get("successCount") == len(objects.titles):
        return
    errors = [error for error in answer.get("errors") or () if isinstance(error, dict)]
    taken = answer.get("successCount", 0)
    lines = [f"kibana: {taken} of {len(objects.titles)} objects were imported"]
    lines += [f"kibana: {_name(error, objects)} {_explain(error.get('error'))}" for error in errors]
    raise VectorwatchError("\n".join(lines))


def _name(error: Mapping[str, Any], objects: ObjectFile) -> str:
    kind, id_ = str(error.get("type")), str(error.get("id"))
    title = objects.titles.get((kind, id_), "")
    return f"{_KINDS.get(kind, kind)} {id_}{f' ({title})' if title else ''}"


def _explain(error: object) -> str:
    """Return why an object was refused, and what to do."""
    found = error if isinstance(error, dict) else {}
    match found.get("type"):
        case "missing_references":
            needed = ", ".join(f"{ref.get('type')} {ref.get('id')}" for ref in found.get("references") or ())
            return f"needs what is not there: {needed}; put it into the same folder"
        case "unsupported_type":
            return "is of a type that this Kibana does not know; was it exported by a newer one?"
        case "conflict" | "ambiguous_conflict":
            return "has the id of an object in another space; delete that one, or give this one another id"
        case _:
            said = " ".join(str(found.get("message") or "no reason").split())
            return f"was refused: {said}{_advise(said)}"


def _choose_data_view(kibana: Server) -> str:
    """Let Discover begin with all logs, unless a person has chosen another data view."""
    chosen = kibana.get("/api/data_views/default").get("data_view_id")
    if chosen:
        return f"kibana: the default data view stays {chosen}"
    kibana.post("/api/data_views/default", {"data_view_id": LOGS.id})
    return f"kibana: the default data view is now {LOGS.id}"


def _advise(said: str) -> str:
    """Return what to do about a refusal, by a part of what was said."""
    said = said.lower()
    if "license" in said or "licence" in said:
        return (
            "; Elasticsearch needs the licence `basic`, which does not end; `GET /_license` shows what it has"
        )
    if " 403: " in said:
        return "; this user needs all rights on saved objects of the default space, as `elastic` has"
    if " 413: " in said:
        return "; raise `savedObjects.maxImportPayloadBytes` of Kibana"
    if " 404: " in said:
        return "; is that a Kibana of version 8 or 9, and its address without a path?"
    return ""


def _count(titles: Iterable[tuple[str, str]]) -> str:
    kinds = Counter(kind for kind, _ in titles)
    words = []
    for kind in [*_KINDS, *sorted(kinds.keys() - _KINDS.keys())]:
        word = _KINDS.get(kind, kind)
        if kinds[kind]:
            words.append(f"{kinds[kind]} {word if kinds[kind] == 1 else _PLURALS.get(kind, word + 's')}")
    return ", ".join(words)


def _read_password(path: Path) -> str:
    try:
        return read_password(path)
    except ConfigError as error:
        raise ConfigError(f"kibana: --password-file: {error}") from error

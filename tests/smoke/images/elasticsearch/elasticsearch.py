"""A stand-in for a whole Elasticsearch: the one of the unit tests, with documents that are kept and searched.

TLS, users, passwords and roles are those of the mounted secrets and of what `elasticsearch-setup` puts.
A snapshot is one file in the folder of its repository. Not here: mappings (any document is taken but one
without a time), text search, the disk's marks, lifecycles, what Kibana keeps.
"""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import sys
import threading
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.smoke.images.elasticsearch.documents import Documents, QueryError
from tests.unit.elastic.elasticsearch_stand_in import (
    VERSION,
    Answer,
    ElasticsearchStandIn,
    Object,
    State,
    grants,
    is_named,
    make_error,
    serve,
)

_READ = re.compile(r"/(?P<index>[^/]+)/_(search|count)")
_WATCHED = re.compile(r"/_nodes/.*|/_cluster/settings|/_all/_ilm/.*|/_ilm/status|/_data_stream/.*/_stats")
"""What elasticsearch_exporter asks."""
_BULK = "/_bulk"


class Node(ElasticsearchStandIn):
    """One node with its documents."""

    documents: Documents

    def read_documents(self, streams: Sequence[str]) -> Object:
        return self.documents.read(streams)

    def write_documents(self, documents: Object) -> None:
        for key, body in documents.items():
            stream, _, identity = key.partition("/")
            self.documents.create(stream, identity, body)
        self.documents.commit()

    def read(self, target: str, content: bytes) -> Object:
        if urlsplit(target).path == _BULK:
            return {"lines": [json.loads(line) for line in content.splitlines() if line]}
        return super().read(target, content)

    def is_allowed(self, user: str, method: str, path: str) -> bool:
        roles = self._find_roles(user)
        if path == _BULK:
            return user == "elastic" or bool(roles)  # who may write which stream is seen there
        if _WATCHED.fullmatch(path):
            return any({"all", "monitor"} & set(role.get("cluster", [])) for role in roles)
        if found := _READ.fullmatch(path):
            # A pattern stands for those streams that the user may read.
            names = [name for name in unquote(found["index"]).split(",") if "*" not in name]
            return all(self._may_read(roles, name) for name in names)
        return super().is_allowed(user, method, path)

    def answer(self, method: str, target: str, login: tuple[str, str] | None, body: Object) -> Answer:
        self.requests.clear()  # this one runs for long
        return super().answer(method, target, login, body)

    def _route(self, method: str, path: str, user: str, body: Object) -> Answer:
        if path == _BULK:
            return self._bulk(body["lines"], user)
        if found := _READ.fullmatch(path):
            try:
                answer = self.documents.search(self._expand(unquote(found["index"]), user), body)
            except QueryError as error:
                return make_error(400, "parsing_exception", f"the stand-in does not know this: {error}")
            return 200, answer if found[2] == "search" else {"count": answer["hits"]["total"]["value"]}
        if _WATCHED.fullmatch(path):
            return 200, self._describe(path)
        return super()._route(method, path, user, body)

    def _bulk(self, lines: Sequence[Object], user: str) -> Answer:
        items = [
            self._create(action["create"]["_index"], action["create"]["_id"], document, user)
            for action, document in zip(lines[::2], lines[1::2], strict=True)
        ]
        self.documents.commit()
        return 200, {"took": 1, "errors": any("error" in item for item in items), "items": _wrap(items)}

    def _create(self, stream: str, identity: str, document: Object, user: str) -> Object:
        item: Object = {"_index": stream, "_id": identity}
        if user != "elastic" and not any(
            grants(role, stream, {"all", "create", "create_doc"}) for role in self._find_roles(user)
        ):
            return _refuse(item, 403, "security_exception", f"{user} may not write {stream}")
        if stream not in self.state.streams:
            status, answer = self._create_stream(stream)
            if status != 200:
                return {**item, "status": status, "error": answer["error"]}
        if not isinstance(document.get("@timestamp"), str):
            return _refuse(item, 400, "document_parsing_exception", "data stream timestamp field is missing")
        if not self.documents.create(stream, identity, document):
            return _refuse(item, 409, "version_conflict_engine_exception", f"[{identity}]: already exists")
        return {**item, "status": 201, "result": "created"}

    def _expand(self, names: str, user: str) -> list[str]:
        roles = self._find_roles(user)
        return [name for name in self.state.streams if is_named(name, names) and self._may_read(roles, name)]

    def _may_read(self, roles: Sequence[Object], name: str) -> bool:
        return any(grants(role, name, {"all", "read"}) for role in roles)

    def _find_roles(self, user: str) -> list[Object]:
        if user == "elastic":
            return [{"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]}]
        return [self.state.roles.get(name, {}) for name in self.state.users.get(user, {}).get("roles", [])]

    def _describe(self, path: str) -> Object:
        if path == "/_cluster/settings":
            return {"persistent": {}, "transient": {}, "defaults": {}}
        if path == "/_ilm/status":
            return {"operation_mode": "RUNNING"}
        if path.startswith("/_all"):
            return {"indices": {}}
        if path.startswith("/_data_stream"):
            return {"data_stream_count": len(self.state.streams), "data_streams": []}
        node = {"name": "elasticsearch", "host": "stand-in", "roles": ["master", "data", "ingest"]}
        return {"cluster_name": "stand-in", "nodes": {"stand-in": node}}


def _refuse(item: Object, status: int, kind: str, reason: str) -> Object:
    return {**item, "status": status, "error": {"type": kind, "reason": reason}}


def _wrap(items: Sequence[Object]) -> list[Object]:
    return [{"create": item} for item in items]


class SnapshotFolder(MutableMapping[str, Object]):
    """Snapshots by name, each a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _place(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def __getitem__(self, name: str) -> Object:
        try:
            found: Object = json.loads(self._place(name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise KeyError(name) from None
        return found

    def __setitem__(self, name: str, kept: Object) -> None:
        self._place(name).write_text(json.dumps(kept), encoding="utf-8")

    def __delitem__(self, name: str) -> None:
        self._place(name).unlink()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in self._folder.glob("*.json")))

    def __len__(self) -> int:
        return len(list(self))


def main() -> None:
    """Run as the image would, in its working directory /usr/share/elasticsearch."""
    home = Path.cwd()
    print(f"stand-in for Elasticsearch {VERSION}: a program of the tests, no Elasticsearch", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = (os.environ[f"xpack.security.http.ssl.{name}"] for name in ("certificate", "key"))
    tls.load_cert_chain(home / "config" / certificate, home / "config" / key)
    kept = home / "data" / "state.json"
    if kept.exists():
        state = State(**json.loads(kept.read_text(encoding="utf-8")))
    else:
        state = State(
            {"elastic": Path(os.environ["ELASTIC_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()}
        )
    node = Node(state, on_change=lambda found: _keep(kept, found))
    node.documents = Documents(home / "data" / "documents.sqlite")
    node.snapshots = SnapshotFolder(home / "snapshots")
    _keep(kept, state)
    with serve(node, tls, "0.0.0.0", 9200):
        threading.Event().wait()


_written: dict[Path, str] = {}


def _keep(path: Path, state: State) -> None:
    text = json.dumps(asdict(state))
    if _written.get(path) != text:
        scratch = path.with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
        _written[path] = text


if __name__ == "__main__":
    main()

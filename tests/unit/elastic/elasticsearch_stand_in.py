"""A stand-in for Elasticsearch 9: the calls that set it up, bound its logs and back them up, over real HTTP.

Paths, bodies, answers and status codes were read, not recorded: in Elastic's API reference
(https://www.elastic.co/docs/api/doc/elasticsearch: security, ilm, cluster, indices, snapshot) and in its
list of privileges (https://www.elastic.co/docs/reference/elasticsearch/security-privileges).

As a program it reads what the real image reads: ELASTIC_PASSWORD_FILE and xpack.security.http.ssl.*. It keeps
what it was told in data/state.json: a second start knows the passwords of the first, as a volume does.
"""

from __future__ import annotations

import base64
import fnmatch
import json
import os
import re
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

VERSION = "9.5.4"
Object = dict[str, Any]
Answer = tuple[int, Object]

_MANAGE = {"all", "manage"}
_NEEDED: Sequence[tuple[str, str, str, set[str]]] = (
    # method, path, whose privilege, one of these
    ("*", r"/_security/_authenticate", "none", set()),
    ("*", r"/_security/.*", "cluster", {"all", "manage_security"}),
    ("*", r"/_ilm/.*", "cluster", {"all", "manage_ilm"}),
    ("*", r"/_(component|index)_template/.*", "cluster", {"all", "manage_index_templates"}),
    ("GET", r"/(_cluster/(health|stats))?", "cluster", {"all", "monitor"}),
    ("GET", r"/_data_stream/(?P<index>.*)", "index", {*_MANAGE, "view_index_metadata"}),
    ("PUT", r"/_data_stream/(?P<index>.*)", "index", {*_MANAGE, "create_index"}),
    ("GET", r"/(?P<index>[^/]+)/_stats.*", "index", {*_MANAGE, "monitor"}),
    ("GET", r"/(?P<index>[^/]+)/_(settings|mapping).*", "index", {*_MANAGE, "view_index_metadata"}),
    ("POST", r"/(?P<index>[^/]+)/_rollover", "index", _MANAGE),
    ("DELETE", r"/(?P<index>[^/]+)", "index", {*_MANAGE, "delete_index"}),
    ("GET", r"/_snapshot/.*", "cluster", {*_MANAGE, "create_snapshot", "monitor_snapshot"}),
    ("PUT", r"/_snapshot/[^/]+/[^/]+", "cluster", {*_MANAGE, "create_snapshot"}),
    ("DELETE", r"/_snapshot/[^/]+/[^/]+", "cluster", {*_MANAGE, "cluster:admin/snapshot/delete"}),
    ("PUT", r"/(?P<index>[^/]+)/_create/.*", "index", {"all", "write", "create", "create_doc"}),
)


@dataclass
class State:
    """What a volume keeps."""

    passwords: dict[str, str]
    users: dict[str, Object] = field(default_factory=dict)
    roles: dict[str, Object] = field(default_factory=dict)
    policies: dict[str, Object] = field(default_factory=dict)
    component_templates: dict[str, Object] = field(default_factory=dict)
    index_templates: dict[str, Object] = field(default_factory=dict)
    streams: dict[str, Object] = field(default_factory=dict)
    indices: dict[str, Object] = field(default_factory=dict)
    repositories: dict[str, Object] = field(default_factory=dict)
    documents: dict[str, Object] = field(default_factory=dict)
    """By `stream/id`."""


@dataclass
class Refusal:
    """What is answered instead, `times` times, to requests whose `METHOD /path` begins with `to`."""

    to: str
    status: int
    times: int = 1
    reason: str = "told to refuse"


@dataclass
class ElasticsearchStandIn:
    """What it holds, what it was asked, and what it is told to refuse."""

    state: State
    url: str = ""
    refusals: list[Refusal] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    tagline: str = "You Know, for Search"
    version: str = VERSION
    snapshots: MutableMapping[str, Object] = field(default_factory=dict)
    """By name: what is said of each as `info`, and what is in it."""
    snapshot_states: list[str] = field(default_factory=lambda: ["SUCCESS"])
    """What is said of the next new snapshot each time it is asked for; the last one stays."""
    health: list[Object] = field(default_factory=lambda: [{"status": "green", "active_shards": 5}])
    """What is said each time the health is asked for; the last one stays."""
    free_bytes: int = 2**30
    """Of the disk; what is stored are the bytes of all indices."""
    kibana_indices: list[str] = field(default_factory=list)
    on_change: Callable[[State], object] = str
    """Called with the state after each request that may have changed it."""

    @classmethod
    def with_password(cls, password: str) -> ElasticsearchStandIn:
        """Return one as it is after its first start: of the built-in users `elastic` alone has a password."""
        return cls(State({"elastic": password}))

    @property
    def writes(self) -> list[str]:
        """Return what was asked to be changed."""
        return [request for request in self.requests if not request.startswith("GET")]

    def read(self, target: str, content: bytes) -> Object:
        """Return what the body of a request says."""
        body: Object = json.loads(content or b"{}")
        return body

    def is_allowed(self, user: str, method: str, path: str) -> bool:
        """Tell whether the roles of a user permit a request."""
        if user == "elastic":
            return True
        needed = next(
            (row for row in _NEEDED if row[0] in (method, "*") and re.fullmatch(row[1], path)), None
        )
        if needed is None:
            return False
        _, pattern, scope, one_of = needed
        roles = [self.state.roles.get(role, {}) for role in self.state.users.get(user, {}).get("roles", [])]
        if scope == "none":
            return True
        if scope == "cluster":
            return any(one_of & set(role.get("cluster", [])) for role in roles)
        match = re.fullmatch(pattern, path)
        wanted = unquote(match.group("index")).split(",") if match else []
        return all(any(grants(role, name, one_of) for role in roles) for name in wanted)

    def answer(self, method: str, target: str, login: tuple[str, str] | None, body: Object) -> Answer:
        """Answer one request."""
        path = urlsplit(target).path
        self.requests.append(f"{method} {path}")
        for refusal in self.refusals:
            if refusal.times and f"{method} {path}".startswith(refusal.to):
                refusal.times -= 1
                return make_error(refusal.status, "told_exception", refusal.reason)
        if login is None:
            return make_error(
                401, "security_exception", f"missing authentication credentials for REST request [{path}]"
            )
        user, password = login
        if not password or self.state.passwords.get(user) != password:
            return make_error(
                401, "security_exception", f"unable to authenticate user [{user}] for REST request [{path}]"
            )
        if not self.is_allowed(user, method, path):
            return make_error(
                403, "security_exception", f"action [{method} {path}] is unauthorized for user [{user}]"
            )
        found = self._route(method, path, user, body)
        if method != "GET":
            self.on_change(self.state)
        return found

    def _route(self, method: str, path: str, user: str, body: Object) -> Answer:
        if path == "/":
            number = {"number": self.version, "build_flavor": "default"}
            return 200, {"cluster_name": "stand-in", "version": number, "tagline": self.tagline}
        if path == "/_cluster/health":
            return 200, {"cluster_name": "stand-in", "timed_out": False, **_next(self.health)}
        if path == "/_cluster/stats":
            size = sum(index["bytes"] for index in self.state.indices.values())
            fs = {"available_in_bytes": self.free_bytes}
            return 200, {"indices": {"store": {"size_in_bytes": size}}, "nodes": {"fs": fs}}
        if path == "/_cluster/health/.kibana*":
            return 200, {"status": "green", "indices": {name: {} for name in self.kibana_indices}}
        first, *rest = path.strip("/").split("/")
        if first == "_snapshot":
            return self._snapshot(method, rest[0], [unquote(part) for part in rest[1:]], body)
        if first == "_security":
            return self._security(method, rest, user, body)
        if first == "_ilm":
            return self._lifecycle(method, rest[1], body)
        if first in ("_component_template", "_index_template"):
            return self._template(method, first[1:], rest[0], body)
        if first == "_data_stream":
            return self._data_stream(method, unquote(rest[0]), body)
        return self._index(method, unquote(first), rest, body)

    def _security(self, method: str, rest: list[str], user: str, body: Object) -> Answer:
        if rest == ["_authenticate"]:
            return 200, {"username": user, "roles": self.state.users.get(user, {}).get("roles", [])}
        kind, name, *more = rest
        if kind == "role":
            return _keep(self.state.roles, method, name, {"run_as": [], **body}, {"role": {"created": True}})
        if more == ["_password"]:
            if name not in self.state.users and name not in ("elastic", "kibana_system"):
                return make_error(404, "resource_not_found_exception", f"user [{name}] does not exist")
            self.state.passwords[name] = body["password"]
            return 200, {}
        if method == "PUT":
            if "password" in body:
                self.state.passwords[name] = body["password"]
            elif name not in self.state.users:
                reason = "password must be specified unless you are updating an existing user"
                return make_error(400, "validation_exception", reason)
        kept = {"username": name, "enabled": True, **{k: v for k, v in body.items() if k != "password"}}
        return _keep(self.state.users, method, name, kept, {"created": True})

    def _lifecycle(self, method: str, name: str, body: Object) -> Answer:
        if method == "GET" and name not in self.state.policies:
            return make_error(404, "resource_not_found_exception", f"Lifecycle policy not found: {name}")
        policy = json.loads(json.dumps(body.get("policy", {})))
        for phase in policy.get("phases", {}).values():
            if "delete" in phase["actions"]:
                phase["actions"]["delete"] = {"delete_searchable_snapshot": True}
        version = self.state.policies.get(name, {}).get("version", 0) + 1
        kept = {"version": version, "modified_date": "2026-01-01T00:00:00.000Z", "policy": policy}
        return _keep(self.state.policies, method, name, kept, {"acknowledged": True})

    def _template(self, method: str, kind: str, name: str, body: Object) -> Answer:
        kept = self.state.component_templates if kind == "component_template" else self.state.index_templates
        if method == "GET":
            if name not in kept:
                return make_error(404, "resource_not_found_exception", f"{kind} matching [{name}] not found")
            return 200, {f"{kind}s": [{"name": name, kind: kept[name]}]}
        missing = sorted(set(body.get("composed_of", [])) - self.state.component_templates.keys())
        if missing:
            reason = f"index template [{name}] specifies component templates {missing} that do not exist"
            return make_error(400, "invalid_index_template_exception", reason)
        settings = body.get("template", {}).get("settings")
        kept[name] = {**body, "template": {**body.get("template", {}), "settings": _as_text(settings)}}
        return 200, {"acknowledged": True}

    def _data_stream(self, method: str, names: str, body: Object) -> Answer:
        if method == "GET":
            found = [stream for name, stream in self.state.streams.items() if is_named(name, names)]
            return 200, {"data_streams": found}
        if method == "DELETE":
            for index in self.state.streams.pop(names)["indices"]:
                del self.state.indices[index["index_name"]]
            return 200, {"acknowledged": True}
        if names in self.state.streams:
            return make_error(
                400, "resource_already_exists_exception", f"data_stream [{names}] already exists"
            )
        return self._create_stream(names)

    def _create_stream(self, name: str) -> Answer:
        template = next(
            (
                template
                for template, body in self.state.index_templates.items()
                if any(fnmatch.fnmatchcase(name, pattern) for pattern in body["index_patterns"])
            ),
            None,
        )
        if template is None:
            reason = f"no matching index template found for data stream [{name}]"
            return make_error(400, "illegal_argument_exception", reason)
        self.state.streams[name] = {
            "name": name,
            "timestamp_field": {"name": "@timestamp"},
            "indices": [],
            "generation": 0,
            "template": template,
        }
        self._add_index(name)
        return 200, {"acknowledged": True}

    def _add_index(self, stream: str) -> str:
        kept = self.state.streams[stream]
        kept["generation"] += 1
        day = time.strftime("%Y.%m.%d", time.gmtime())
        name = f".ds-{stream}-{day}-{kept['generation']:06d}"
        kept["indices"].append(
            {"index_name": name, "prefer_ilm": True, "managed_by": "Index Lifecycle Management"}
        )
        mappings: Object = {}
        for component in self.state.index_templates[kept["template"]].get("composed_of", []):
            mappings |= self.state.component_templates[component]["template"].get("mappings", {})
        self.state.indices[name] = {
            "mappings": mappings,
            "bytes": 249,
            "created": int(time.time() * 1000) + kept["generation"],
        }
        return name

    def _index(self, method: str, names: str, rest: list[str], body: Object) -> Answer:
        if rest[:1] == ["_create"]:
            return self._create_document(names, rest[1], body)
        if rest == ["_refresh"]:
            return 200, {"_shards": {"failed": 0}}
        if rest == ["_count"]:
            return 200, {"count": len(self.read_documents(names.split(",")))}
        found = self._find_indices(names)
        if rest[:1] == ["_stats"]:
            sizes = {
                name: {"total": {"store": {"size_in_bytes": index["bytes"]}}} for name, index in found.items()
            }
            return 200, {"_shards": {"failed": 0}, "indices": sizes}
        if rest[:1] == ["_settings"]:
            return 200, {
                name: {"settings": {"index.creation_date": str(index["created"])}}
                for name, index in found.items()
            }
        if rest == ["_mapping"]:
            return 200, {name: {"mappings": index["mappings"]} for name, index in found.items()}
        if rest == ["_rollover"]:
            old = self.state.streams[names]["indices"][-1]["index_name"]
            return 200, {"acknowledged": True, "old_index": old, "new_index": self._add_index(names)}
        return self._delete(names)

    def _snapshot(self, method: str, repository: str, rest: list[str], body: Object) -> Answer:
        if not rest:
            return _keep(self.state.repositories, method, repository, body, {"acknowledged": True})
        if repository not in self.state.repositories:
            return make_error(404, "repository_missing_exception", f"[{repository}] missing")
        name, *more = rest
        if method == "PUT":
            self.snapshots[name] = self._make_snapshot(name, body)
            return 200, {"accepted": True}
        if name == "_all":
            return 200, {"snapshots": [kept["info"] for kept in self.snapshots.values()]}
        if name not in self.snapshots:
            return make_error(404, "snapshot_missing_exception", f"[{repository}:{name}] is missing")
        if method == "DELETE":
            del self.snapshots[name]
            return 200, {"acknowledged": True}
        if more == ["_restore"]:
            return self._restore(self.snapshots[name], body)
        if more == ["_status"]:
            size = sum(index["bytes"] for index in self.snapshots[name]["indices"].values())
            stats = {"total": {"size_in_bytes": size}}
            return 200, {"snapshots": [{"shards_stats": {"done": 2, "total": 5}, "stats": stats}]}
        kept = self.snapshots[name]
        self.snapshots[name] = {**kept, "info": {**kept["info"], "state": _next(self.snapshot_states)}}
        return 200, {"snapshots": [self.snapshots[name]["info"]]}

    def _make_snapshot(self, name: str, body: Object) -> Object:
        patterns = ",".join(body["indices"])
        streams = {one: kept for one, kept in self.state.streams.items() if is_named(one, patterns)}
        info = {
            "snapshot": name,
            "version": self.version,
            "state": "IN_PROGRESS",
            "start_time_in_millis": int(time.time() * 1000),
            "data_streams": list(streams),
            "feature_states": [{"feature_name": feature} for feature in body.get("feature_states", [])],
            "failures": [],
        }
        indices = {
            index["index_name"]: self.state.indices[index["index_name"]]
            for stream in streams.values()
            for index in stream["indices"]
        }
        content = {
            "streams": streams,
            "indices": indices,
            "documents": self.read_documents([*streams]),
        }
        return {"info": info, **json.loads(json.dumps(content))}

    def _restore(self, kept: Object, body: Object) -> Answer:
        if taken := set(body["indices"]) & self.state.streams.keys():
            reason = f"cannot restore {sorted(taken)} because an open index with same name already exists"
            return make_error(500, "snapshot_restore_exception", reason)
        for name in body["indices"]:
            self.state.streams[name] = kept["streams"][name]
            for index in kept["streams"][name]["indices"]:
                self.state.indices[index["index_name"]] = kept["indices"][index["index_name"]]
        self.write_documents(kept["documents"])
        return 200, {"accepted": True}

    def read_documents(self, streams: Sequence[str]) -> Object:
        """Return the documents of streams by `stream/id`."""
        return {key: body for key, body in self.state.documents.items() if key.partition("/")[0] in streams}

    def write_documents(self, documents: Object) -> None:
        """Put documents of a snapshot back."""
        self.state.documents |= documents

    def _create_document(self, stream: str, identity: str, body: Object) -> Answer:
        if stream not in self.state.streams:
            status, answer = self._create_stream(stream)
            if status != 200:
                return status, answer
        if f"{stream}/{identity}" in self.state.documents:
            return make_error(
                409, "version_conflict_engine_exception", f"[{identity}]: document already exists"
            )
        self.state.documents[f"{stream}/{identity}"] = body
        return 201, {"_id": identity, "result": "created"}

    def _find_indices(self, names: str) -> Mapping[str, Object]:
        of_streams = {
            index["index_name"]
            for name, stream in self.state.streams.items()
            if is_named(name, names)
            for index in stream["indices"]
        }
        return {
            name: kept for name, kept in self.state.indices.items() if name in of_streams or name == names
        }

    def _delete(self, name: str) -> Answer:
        if name not in self.state.indices:
            return make_error(404, "index_not_found_exception", f"no such index [{name}]")
        for stream in self.state.streams.values():
            places = [index["index_name"] for index in stream["indices"]]
            if places[-1] == name:
                reason = (
                    f"index [{name}] is the write index for data stream [{stream['name']}]"
                    " and cannot be deleted"
                )
                return make_error(400, "illegal_argument_exception", reason)
            stream["indices"] = [index for index in stream["indices"] if index["index_name"] != name]
        del self.state.indices[name]
        return 200, {"acknowledged": True}


def grants(role: Mapping[str, Any], name: str, one_of: set[str]) -> bool:
    # An index of a data stream is open to who may use the stream.
    stream = re.sub(r"^\.ds-(.*)-\d{4}\.\d\d\.\d\d-\d{6}$", r"\1", name)
    return any(
        one_of & set(entry["privileges"])
        and any(fnmatch.fnmatchcase(stream, pattern) for pattern in entry["names"])
        for entry in role.get("indices", [])
    )


def is_named(name: str, patterns: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split(","))


def _next(told: list[Any]) -> Any:
    return told.pop(0) if len(told) > 1 else told[0]


def _keep(kept: dict[str, Object], method: str, name: str, body: Object, said: Object) -> Answer:
    if method == "GET":
        return (200, {name: kept[name]}) if name in kept else (404, {})
    kept[name] = body
    return 200, said


def _as_text(settings: Any) -> Any:
    """Return settings as the server gives them back: every value is text."""
    if isinstance(settings, dict):
        return {key: _as_text(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [_as_text(value) for value in settings]
    return str(settings).lower() if isinstance(settings, bool) else settings and str(settings)


def make_error(status: int, kind: str, reason: str) -> Answer:
    cause = {"type": kind, "reason": reason}
    return status, {"error": {"root_cause": [cause], **cause}, "status": status}


def _make_handler(stand_in: ElasticsearchStandIn) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                status, found = stand_in.answer(
                    self.command,
                    self.path,
                    _read_login(self.headers.get("Authorization")),
                    stand_in.read(self.path, content),
                )
            said = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="security", charset="UTF-8"')
            else:
                self.send_header("X-elastic-product", "Elasticsearch")
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - names that the library calls

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


def _read_login(header: str | None) -> tuple[str, str] | None:
    if header is None or not header.startswith("Basic "):
        return None
    user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return user, password


@contextmanager
def serve(
    stand_in: ElasticsearchStandIn, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[ElasticsearchStandIn]:
    """Serve until the block ends; `stand_in.url` says where."""

    class Http(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> Any:
            connection, address = super().get_request()
            # The greeting is made by the thread of the request: who says nothing holds up nobody.
            return (
                tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                if tls
                else connection
            ), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing of a client that left."""

    server = Http((host, port), _make_handler(stand_in))
    stand_in.url = f"{'https' if tls else 'http'}://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Run as the image would, in its working directory /usr/share/elasticsearch."""
    home = Path(environ.get("ES_HOME", "/usr/share/elasticsearch"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    config = home / "config"
    prefix = "xpack.security.http.ssl."
    tls.load_cert_chain(config / environ[f"{prefix}certificate"], config / environ[f"{prefix}key"])
    kept = home / "data" / "state.json"
    if kept.exists():
        state = State(**json.loads(kept.read_text(encoding="utf-8")))
    else:
        state = State({"elastic": Path(environ["ELASTIC_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()})
        kept.parent.mkdir(parents=True, exist_ok=True)

    def keep(state: State) -> None:
        kept.write_text(json.dumps(asdict(state)), encoding="utf-8")

    keep(state)
    stand_in = ElasticsearchStandIn(state, on_change=keep)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with serve(stand_in, tls, "0.0.0.0", int(environ.get("http.port", "9200"))):
        print(f"stand-in for Elasticsearch {VERSION}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

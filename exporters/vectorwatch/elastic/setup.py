"""Bring Elasticsearch to what `elasticsearch/` says: lifecycle, templates, roles, users, data streams,
the repository of snapshots.

Changes nothing that is already right, so that it may run at each start; a run that was cut off is finished
by the next.
The API is that of https://www.elastic.co/docs/api/doc/elasticsearch (ilm, cluster, indices, security,
snapshot).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from .client import ElasticError, LoginError, Server
from .connection import Connection
from .definitions import Body, Definitions, is_within
from .logins import LOGINS, SUPERUSER, SUPERUSER_SECRET, Login
from .retention import Retention
from .rotation import knows, read_kept, take_over
from .streams import PATTERNS, TEMPLATE, name_streams
from .waiting import Patience

_OLDEST = (9, 1)
"""The first version whose templates can say that there is no failure store."""
_TAGLINE = "You Know, for Search"

T = TypeVar("T")


def run(
    url: str,
    secrets: Path,
    definitions: Path,
    time: str,
    size: str,
    namespace: str,
    patience_seconds: float,
    say: Callable[[str], None],
) -> None:
    """Do everything, saying a line for each part. Raises VectorwatchError."""
    read = Definitions.read(definitions, Retention.read(time, size))
    patience = Patience(patience_seconds, say)
    for line in set_up(Connection(url, secrets), read, name_streams(namespace), patience):
        say(line)


def set_up(
    connection: Connection, definitions: Definitions, streams: Sequence[str], patience: Patience
) -> Iterator[str]:
    """Do everything, yielding a line for each part. Raises VectorwatchError."""
    passwords = {login.user: connection.read_password(login.secret) for login in LOGINS}
    if done := patience.attempt(lambda: take_over(connection)):
        yield done
    with connection.open(SUPERUSER, connection.read_password(SUPERUSER_SECRET)) as server:
        setup = Setup(server, patience)
        yield setup.check_server()
        for name, body in definitions.lifecycles.items():
            yield setup.put_lifecycle(name, body)
        for name, body in definitions.component_templates.items():
            yield setup.put_template("component template", f"/_component_template/{name}", name, body)
        for name, body in definitions.index_templates.items():
            yield setup.put_template("index template", f"/_index_template/{name}", name, body)
        for name, body in definitions.roles.items():
            yield setup.put_role(name, body)
        for login in LOGINS:
            yield setup.put_login(login, passwords[login.user], connection)
        yield from setup.put_streams(streams, definitions.mark)
        for name, body in definitions.repositories.items():
            yield setup.put_repository(name, body)


class Setup:
    """The steps, each of which waits while the server is not ready."""

    def __init__(self, server: Server, patience: Patience) -> None:
        self._server = server
        self._patience = patience

    def check_server(self) -> str:
        """Wait for the server; make sure that it is Elasticsearch and takes our password."""
        try:
            found = self._try(lambda: self._server.get("/"))
        except LoginError as error:
            raise ElasticError(_explain_other_password(self._server.url)) from error
        version = str((found.get("version") or {}).get("number", ""))
        if found.get("tagline") != _TAGLINE or not version[:1].isdigit():
            raise ElasticError(f"{self._server.url} answers, but not as Elasticsearch")
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
            raise ElasticError(
                f"Elasticsearch at {self._server.url} is version {version};"
                f" {'.'.join(str(part) for part in _OLDEST)} or newer is needed"
            )
        return f"Elasticsearch {version} at {self._server.url} is ready"

    def put_lifecycle(self, name: str, body: Body) -> str:
        """Create or correct a lifecycle."""
        path = f"/_ilm/policy/{name}"
        found = self._find(path).get(name, {})
        return self._put("lifecycle", name, path, body, found, is_within(body, found))

    def put_template(self, kind: str, path: str, name: str, body: Body) -> str:
        """Create a template, or replace it when its mark is another: the server writes values its own way."""
        found = _find_template(self._find(path), name)
        marked = is_within({"_meta": body["_meta"]}, found)
        return self._put(kind, name, path, body, found, marked)

    def put_role(self, name: str, body: Body) -> str:
        """Create or correct a role."""
        path = f"/_security/role/{name}"
        found = self._find(path).get(name, {})
        return self._put("role", name, path, body, found, is_within(body, found))

    def put_login(self, login: Login, password: str, connection: Connection) -> str:
        """Create or correct a user, and make sure that its password is ours."""
        path = f"/_security/user/{login.user}"
        done = []
        if not login.built_in:
            body = {"roles": list(login.roles), "full_name": login.full_name, "enabled": True}
            found = self._find(path).get(login.user, {})
            if not found:
                self._try(lambda: self._server.put(path, {**body, "password": password}))
                return f"user {login.user}: created"
            if not is_within(body, found):
                self._try(lambda: self._server.put(path, body))
                done.append("updated")
        if not login.personal and not self._knows(connection, login.user, password):
            self._try(lambda: self._server.post(f"{path}/_password", {"password": password}))
            done.append("got its password again" if not login.built_in else "got its password")
        old = read_kept(connection, login.secret) if login.personal else None
        if old is not None and self._knows(connection, login.user, old):  # who has chosen another keeps it
            self._try(lambda: self._server.post(f"{path}/_password", {"password": password}))
            done.append("got its new password")
        return f"user {login.user}: {' and '.join(done) or 'unchanged'}"

    def put_repository(self, name: str, body: Body) -> str:
        """Register a repository of snapshots, without trying it: logs are taken even if none can be made."""
        path = f"/_snapshot/{name}"
        found = self._find(path).get(name, {})
        return self._put(
            "snapshot repository", name, f"{path}?verify=false", body, found, is_within(body, found)
        )

    def put_streams(self, wanted: Sequence[str], mark: str) -> Iterator[str]:
        """Create the streams that are missing; close the index of those made from another template."""
        found = {
            str(stream["name"]): stream
            for stream in self._find(f"/_data_stream/{PATTERNS}").get("data_streams", [])
        }
        for name in wanted:
            if name not in found:
                # Before the first document, so that Kibana and Grafana know the fields.
                self._try(partial(self._server.put, f"/_data_stream/{name}"))
                yield f"data stream {name}: created"
        for name, stream in found.items():
            yield f"data stream {name}: {self._renew(name, stream, mark)}"

    def _renew(self, name: str, stream: Mapping[str, Any], mark: str) -> str:
        if stream.get("template") != TEMPLATE:
            return f"left alone, for it belongs to template {stream.get('template')}"
        index = stream["indices"][-1]["index_name"]
        mappings = self._find(f"/{index}/_mapping").get(index, {}).get("mappings", {})
        if mappings.get("_meta", {}).get("mark") == mark:
            return "unchanged"
        self._try(lambda: self._server.post(f"/{name}/_rollover"))
        return "rolled over, so that new documents get the new template"

    def _knows(self, connection: Connection, user: str, password: str) -> bool:
        return self._try(lambda: knows(connection, user, password))

    def _put(self, kind: str, name: str, path: str, body: Body, found: object, same: bool) -> str:
        if same:
            return f"{kind} {name}: unchanged"
        self._try(lambda: self._server.put(path, body))
        return f"{kind} {name}: {'updated' if found else 'created'}"

    def _find(self, path: str) -> Mapping[str, Any]:
        return self._try(lambda: self._server.get(path, absent=(404,)))

    def _try(self, ask: Callable[[], T]) -> T:
        return self._patience.attempt(ask)


def _find_template(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a template of either kind as it was put, {} if there is none."""
    for kind in ("component_template", "index_template"):
        for entry in answer.get(f"{kind}s", []):
            if entry["name"] == name:
                return dict(entry[kind])
    return {}


def _explain_other_password(url: str) -> str:
    return (
        f"Elasticsearch at {url} does not accept the password of `{SUPERUSER}`: its data volume was"
        " initialised with another password than the one that `make credentials` shows. To keep the logs, run"
        # By itself it would take an address of the container, which no certificate names.
        " `docker compose exec elasticsearch bin/elasticsearch-reset-password --url https://localhost:9200"
        f" -u {SUPERUSER} -i` and give it the one shown; to begin anew without them, run"
        " `docker compose rm -sf elasticsearch` and `docker volume rm vectorwatch_elasticsearch_data`. Then"
        " `docker compose up -d`"
    )

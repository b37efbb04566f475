"""Snapshots of the logs and of what people saved in Kibana: `make backup` copies the repository they are in.

The API is that of https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-snapshot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .client import ElasticError, Server
from .connection import Connection
from .definitions import Body
from .logins import SUPERUSER, SUPERUSER_SECRET
from .streams import PATTERNS
from .waiting import Patience

USER = "log_snapshot"
SECRET = "log_snapshot_password"  # noqa: S105 - the name of a file
REPOSITORY = "vectorwatch"
_PATH = f"/_snapshot/{REPOSITORY}"
_PREFIX = "vectorwatch-"
"""Begins the names of our snapshots; others in the repository are left alone."""
_KIBANA = "kibana"
_KIBANA_INDICES = "/_cluster/health/.kibana*?level=indices"
_COMPLETE = "SUCCESS"
_GIGABYTE = 2**30
_UNDER_WAY = ("IN_PROGRESS", "STARTED")
_PROGRESS_SECONDS = 15.0
_GIVEN_UP_SECONDS = 60.0
"""How long no shard may move before those that lack are given up."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pace:
    """How often to look, and for how long, in seconds."""

    limit: float
    every: float = 1.0
    stuck: float = _GIVEN_UP_SECONDS


@dataclass(frozen=True)
class Snapshot:
    """What the server says of a snapshot; `started` in milliseconds since 1970."""

    name: str
    state: str
    version: str
    started: int
    data_streams: Sequence[str]
    features: Sequence[str]
    problem: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Snapshot:
        """Read one of the list `snapshots`."""
        reasons = [failure.get("reason", "") for failure in body.get("failures", [])] or [
            body.get("reason", "")
        ]
        return cls(
            name=str(body["snapshot"]),
            state=str(body.get("state", "")),
            version=str(body.get("version", "")),
            started=int(body.get("start_time_in_millis", 0)),
            data_streams=sorted(body.get("data_streams", [])),
            features=[str(each["feature_name"]) for each in body.get("feature_states", [])],
            problem=" ".join(str(reasons[0]).split())[:300] or "without a reason",
        )


def make_body() -> Body:
    """Return what `PUT _snapshot` gets: our data streams and Kibana's own indices, nothing of the cluster."""
    return {
        "indices": PATTERNS.split(","),
        "feature_states": [_KIBANA],
        "include_global_state": False,
        "partial": False,
    }


def make_restore_body(snapshot: Snapshot) -> Body:
    """Return what `_restore` gets; without features nothing of them: none is then restored."""
    features = {"feature_states": list(snapshot.features)} if snapshot.features else {}
    return {"indices": list(snapshot.data_streams), "include_global_state": False, **features}


def run_snapshot(url: str, secrets: Path, patience_seconds: float, limit_seconds: float, say: Say) -> None:
    """Make a snapshot, and delete the older ones. Raises VectorwatchError."""
    connection = Connection(url, secrets)
    with connection.open(USER, connection.read_password(SECRET)) as server:
        say(take(server, Patience(patience_seconds, say), Pace(limit_seconds), say))


def run_restore(url: str, secrets: Path, patience_seconds: float, limit_seconds: float, say: Say) -> None:
    """Restore the newest snapshot into an Elasticsearch without logs. Raises VectorwatchError."""
    connection = Connection(url, secrets)
    with connection.open(SUPERUSER, connection.read_password(SUPERUSER_SECRET)) as server:
        say(restore(server, Patience(patience_seconds, say), Pace(limit_seconds), say))


def take(server: Server, patience: Patience, pace: Pace, say: Say, body: Body | None = None) -> str:
    """Make a snapshot of `body`, keep it alone, and return what was done. Raises ElasticError."""
    patience.attempt(lambda: _find_repository(server))
    _refuse_full_disk(server)
    name = f"{_PREFIX}{datetime.now(UTC):%Y.%m.%d-%H%M%S.%f}"
    path = f"{_PATH}/{quote(name)}"
    server.put(f"{path}?wait_for_completion=false", body or make_body())
    started = time.monotonic()
    progress = Patience(_PROGRESS_SECONDS, say)
    told = started
    while (found := progress.attempt(lambda: _find(server, name))).state in _UNDER_WAY:
        now = time.monotonic()
        if now - started > pace.limit:
            server.delete(path)
            raise ElasticError(f"the snapshot was not complete within {pace.limit:g} s; it was given up")
        if now - told >= _PROGRESS_SECONDS:
            told = now
            say(f"snapshot: {_describe_progress(server, path)} after {now - started:.0f} s")
        time.sleep(pace.every)
    if found.state != _COMPLETE:
        server.delete(path)
        raise ElasticError(
            f"the snapshot is {found.state}, not whole, and was deleted: {found.problem};"
            " mend that (docker compose logs elasticsearch)"
        )
    older = [each.name for each in _list(server) if each.name != name]
    for each in older:
        server.delete(f"{_PATH}/{quote(each)}")
    kept = "what was saved in Kibana, " if _KIBANA in found.features else ""
    return (
        f"snapshot of {len(found.data_streams)} data streams, {kept}after {time.monotonic() - started:.0f} s;"
        f" {len(older)} older deleted"
    )


def restore(server: Server, patience: Patience, pace: Pace, say: Say) -> str:
    """Restore the newest snapshot and wait for its shards; return what was done. Raises ElasticError.

    Refused when a data stream that would come back holds documents, or when Kibana has begun anew.
    """
    version = patience.attempt(lambda: str(server.get("/")["version"]["number"]))
    patience.attempt(lambda: _find_repository(server))
    snapshot = _choose(_list(server), version)
    _make_room(server, snapshot)
    server.post(
        f"{_PATH}/{quote(snapshot.name)}/_restore?wait_for_completion=false",
        make_restore_body(snapshot),
    )
    started = time.monotonic()
    _wait_for_shards(server, pace, say)
    count = _count(server, snapshot.data_streams)
    kept = ", and what was saved in Kibana" if _KIBANA in snapshot.features else ""
    return (
        f"{count} log lines of {len(snapshot.data_streams)} data streams{kept},"
        f" after {time.monotonic() - started:.0f} s"
    )


def _find_repository(server: Server) -> None:
    if not server.get(_PATH, absent=(404,)):
        raise ElasticError(
            f"Elasticsearch at {server.url} has no snapshot repository `{REPOSITORY}`;"
            " `docker compose up elasticsearch-setup` makes it"
        )


def _find(server: Server, name: str) -> Snapshot:
    return Snapshot.read(server.get(f"{_PATH}/{quote(name)}")["snapshots"][0])


def _list(server: Server) -> list[Snapshot]:
    """Return our snapshots, the oldest first."""
    found = [Snapshot.read(each) for each in server.get(f"{_PATH}/_all").get("snapshots", [])]
    return sorted((each for each in found if each.name.startswith(_PREFIX)), key=lambda each: each.started)


def _refuse_full_disk(server: Server) -> None:
    """Raise ElasticError where a snapshot cannot fit: it would fill the disk that Elasticsearch writes to."""
    found = server.get("/_cluster/stats")
    size, free = found["indices"]["store"]["size_in_bytes"], found["nodes"]["fs"]["available_in_bytes"]
    # What the last one has is not copied again.
    kept = sum(_measure(server, newest.name) for newest in _list(server)[-1:])
    if size - kept > free:
        raise ElasticError(
            f"a snapshot takes {(size - kept) / _GIGABYTE:.1f} GB and {free / _GIGABYTE:.1f} GB are free on"
            " Elasticsearch's disk; make room there"
        )


def _measure(server: Server, name: str) -> int:
    """Return the bytes of a snapshot."""
    status = server.get(f"{_PATH}/{quote(name)}/_status")["snapshots"][0]
    return int(status["stats"]["total"]["size_in_bytes"])


def _describe_progress(server: Server, path: str) -> str:
    stats = server.get(f"{path}/_status")["snapshots"][0]["shards_stats"]
    return f"{stats['done']} of {stats['total']} shards"


def _choose(snapshots: Sequence[Snapshot], version: str) -> Snapshot:
    if not snapshots:
        raise ElasticError(
            f"the repository `{REPOSITORY}` holds no snapshot of ours; the archive has no logs"
        )
    newest = snapshots[-1]
    if _split(newest.version) > _split(version):
        raise ElasticError(
            f"the snapshot is of Elasticsearch {newest.version} and this is {version}, which cannot read it;"
            " check out the version of the archive"
        )
    if newest.state != _COMPLETE:
        raise ElasticError(
            f"the snapshot {newest.name} is {newest.state}, not whole: {newest.problem}; take another archive"
        )
    return newest


def _split(version: str) -> tuple[int, ...]:
    """Return a version as numbers; nothing for what is none, which then counts as old."""
    parts = version.split("-")[0].split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def _make_room(server: Server, snapshot: Snapshot) -> None:
    """Delete the empty data streams that `setup` has made. Raises ElasticError if anything is in the way."""
    wanted = ",".join(quote(name) for name in snapshot.data_streams)
    found = server.get(f"/_data_stream/{PATTERNS}", absent=(404,)).get("data_streams", []) if wanted else []
    present = sorted({str(stream["name"]) for stream in found} & {*snapshot.data_streams})
    if filled := [name for name in present if _count(server, [name])]:
        raise ElasticError(
            f"these data streams hold documents: {', '.join(filled)}; nothing was changed. Restore into an"
            " empty Elasticsearch: docs/how-to/back-up.md"
        )
    if _KIBANA in snapshot.features and server.get(_KIBANA_INDICES).get("indices"):
        raise ElasticError(
            "Kibana has already begun anew in this Elasticsearch; nothing was changed. Restore into an"
            " empty one: docs/how-to/back-up.md"
        )
    for name in present:
        server.delete(f"/_data_stream/{quote(name)}")


def _count(server: Server, streams: Sequence[str]) -> int:
    if not streams:
        return 0
    names = ",".join(quote(name) for name in streams)
    server.post(f"/{names}/_refresh")
    return int(server.get(f"/{names}/_count")["count"])


def _wait_for_shards(server: Server, pace: Pace, say: Say) -> None:
    started = told = moved = time.monotonic()
    before = -1
    progress = Patience(pace.limit, say)
    while True:
        health = progress.attempt(lambda: server.get("/_cluster/health"))
        if health["status"] != "red":
            return
        now = time.monotonic()
        active, waiting = int(health["active_shards"]), int(health.get("initializing_shards", 0))
        if active != before or waiting:
            before, moved = active, now
        if now - moved > pace.stuck or now - started > pace.limit:
            raise ElasticError(
                f"{health.get('unassigned_shards', 0)} shards were not restored;"
                " `docker compose logs elasticsearch` says why"
            )
        if now - told >= _PROGRESS_SECONDS:
            told = now
            say(f"restore: {active} shards are there, {waiting} under way, after {now - started:.0f} s")
        time.sleep(pace.every)

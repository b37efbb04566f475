"""`vectorwatch elastic snapshot` and `restore-snapshot` against the stand-in, over real HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn, Refusal
from vectorwatch.cli import cli
from vectorwatch.demo.repository import find_repository
from vectorwatch.elastic.client import ElasticError, Server
from vectorwatch.elastic.connection import Connection
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.logins import SUPERUSER
from vectorwatch.elastic.retention import Retention
from vectorwatch.elastic.setup import set_up
from vectorwatch.elastic.snapshots import SECRET, USER, Pace, restore, take
from vectorwatch.elastic.streams import name_streams
from vectorwatch.elastic.waiting import Patience

DEFINITIONS = Definitions.read(find_repository() / "elasticsearch", Retention.read("14d", "20GB"))
STREAMS = name_streams("default")
PACE = Pace(limit=30, every=0.01, stuck=0.1)


def wait() -> Patience:
    return Patience(30, lambda _: None, pause_seconds=0.01, login_seconds=0)


@pytest.fixture
def server(connection: Connection) -> Iterator[Server]:
    """The server as the superuser, set up; one line in one stream."""
    list(set_up(connection, DEFINITIONS, STREAMS, wait()))
    with connection.open(SUPERUSER, connection.read_password("elastic_password")) as server:
        server.put(f"/{STREAMS[0]}/_create/a", {"@timestamp": "2026-11-27T00:00:00Z", "message": "kept"})
        yield server


@pytest.fixture
def own(server: Server, connection: Connection) -> Iterator[Server]:
    """The server as the user of the snapshots."""
    with connection.open(USER, connection.read_password(SECRET)) as own:
        yield own


@pytest.fixture
def emptied(own: Server, elasticsearch: ElasticsearchStandIn, connection: Connection) -> ElasticsearchStandIn:
    """A server that was set up anew after a snapshot."""
    take(own, wait(), PACE, print)
    elasticsearch.state.documents.clear()
    elasticsearch.state.streams.clear()
    elasticsearch.state.indices.clear()
    list(set_up(connection, DEFINITIONS, STREAMS, wait()))
    return elasticsearch


def change(elasticsearch: ElasticsearchStandIn, **info: Any) -> None:
    """Change what is said of the snapshot."""
    ((name, kept),) = elasticsearch.snapshots.items()
    elasticsearch.snapshots[name] = {**kept, "info": {**kept["info"], **info}}


def test_the_newest_alone_is_kept(own: Server, elasticsearch: ElasticsearchStandIn) -> None:
    first = take(own, wait(), PACE, print)
    assert first.startswith("snapshot of 5 data streams, what was saved in Kibana, after ")
    assert first.endswith(" 0 older deleted")
    assert take(own, wait(), PACE, print).endswith(" 1 older deleted")
    assert len(elasticsearch.snapshots) == 1


def test_a_snapshot_of_somebody_else_stays(own: Server, elasticsearch: ElasticsearchStandIn) -> None:
    take(own, wait(), PACE, print)
    ((_, kept),) = elasticsearch.snapshots.items()
    elasticsearch.snapshots["mine"] = {**kept, "info": {**kept["info"], "snapshot": "mine"}}
    take(own, wait(), PACE, print)
    assert "mine" in elasticsearch.snapshots
    assert len(elasticsearch.snapshots) == 2


@pytest.mark.parametrize("state", ["PARTIAL", "FAILED", "INCOMPATIBLE"])
def test_one_that_is_not_whole_is_refused_and_the_one_before_stays(
    own: Server, elasticsearch: ElasticsearchStandIn, state: str
) -> None:
    take(own, wait(), PACE, print)
    (before,) = elasticsearch.snapshots
    elasticsearch.snapshot_states = ["IN_PROGRESS", state]
    with pytest.raises(ElasticError, match=f"the snapshot is {state}, not whole, and was deleted: "):
        take(own, wait(), PACE, print)
    assert [*elasticsearch.snapshots] == [before]


def test_one_that_takes_too_long_is_given_up(own: Server, elasticsearch: ElasticsearchStandIn) -> None:
    elasticsearch.snapshot_states = ["IN_PROGRESS"]
    with pytest.raises(ElasticError, match=r"not complete within 0\.05 s; it was given up"):
        take(own, wait(), Pace(limit=0.05, every=0.01), print)
    assert not elasticsearch.snapshots


def test_a_missing_repository_is_named_with_what_makes_it(
    own: Server, elasticsearch: ElasticsearchStandIn
) -> None:
    elasticsearch.state.repositories.clear()
    with pytest.raises(ElasticError, match="no snapshot repository `vectorwatch`; `docker compose up elas"):
        take(own, wait(), PACE, print)


def test_one_that_cannot_fit_is_refused_and_only_what_is_new_counts(
    own: Server, elasticsearch: ElasticsearchStandIn
) -> None:
    elasticsearch.free_bytes = 2**30
    index = next(iter(elasticsearch.state.indices.values()))
    index["bytes"] = 2 * 2**30
    with pytest.raises(ElasticError, match=r"a snapshot takes 2\.0 GB and 1\.0 GB are free"):
        take(own, wait(), PACE, print)
    assert not elasticsearch.snapshots
    index["bytes"] = 2**30 // 2
    take(own, wait(), PACE, print)
    index["bytes"] = 2**30 + 2**29
    take(own, wait(), PACE, print)


def test_a_full_disk_is_said_as_the_server_says_it(own: Server, elasticsearch: ElasticsearchStandIn) -> None:
    elasticsearch.refusals = [Refusal("PUT /_snapshot", 500, reason="No space left on device")]
    with pytest.raises(ElasticError, match="with 500: No space left on device"):
        take(own, wait(), PACE, print)


def test_its_user_may_restore_nothing_and_read_nothing(own: Server) -> None:
    take(own, wait(), PACE, print)
    (name,) = (each["snapshot"] for each in own.get("/_snapshot/vectorwatch/_all")["snapshots"])
    for path in (f"/_snapshot/vectorwatch/{name}/_restore", f"/{STREAMS[0]}/_refresh"):
        with pytest.raises(ElasticError, match="with 403"):
            own.post(path)


def test_what_was_in_the_snapshot_is_there_again(emptied: ElasticsearchStandIn, server: Server) -> None:
    emptied.health = [
        {"status": "red", "active_shards": 1, "initializing_shards": 1},
        {"status": "red", "active_shards": 2, "initializing_shards": 1},
        {"status": "yellow", "active_shards": 5},
    ]
    said = restore(server, wait(), PACE, print)
    assert said.startswith("1 log lines of 5 data streams, and what was saved in Kibana, after ")
    assert emptied.state.documents.keys() == {f"{STREAMS[0]}/a"}


def test_streams_that_hold_documents_are_named_and_stay(
    emptied: ElasticsearchStandIn, server: Server
) -> None:
    server.put(f"/{STREAMS[1]}/_create/b", {"@timestamp": "2026-11-27T00:00:00Z"})
    before = emptied.state.streams.copy()
    with pytest.raises(ElasticError, match=f"hold documents: {STREAMS[1]}; nothing was changed"):
        restore(server, wait(), PACE, print)
    assert emptied.state.streams == before


def test_a_kibana_that_has_begun_anew_is_not_overwritten(
    emptied: ElasticsearchStandIn, server: Server
) -> None:
    emptied.kibana_indices = [".kibana_9.5.4_001"]
    with pytest.raises(ElasticError, match="Kibana has already begun anew"):
        restore(server, wait(), PACE, print)
    assert emptied.state.streams


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"version": "9.6.0"}, r"is of Elasticsearch 9\.6\.0 and this is 9\.5\.4, which cannot read it"),
        (
            {"state": "PARTIAL", "failures": [{"reason": "disk\non fire"}]},
            "is PARTIAL, not whole: disk on fire",
        ),
        ({"snapshot": "mine"}, "holds no snapshot of ours; the archive has no logs"),
    ],
)
def test_a_snapshot_that_cannot_be_used_is_refused_before_anything_is_changed(
    emptied: ElasticsearchStandIn, server: Server, info: dict[str, Any], words: str
) -> None:
    change(emptied, **info)
    before = emptied.state.streams.copy()
    with pytest.raises(ElasticError, match=words):
        restore(server, wait(), PACE, print)
    assert emptied.state.streams == before


def test_shards_that_do_not_come_are_given_up(emptied: ElasticsearchStandIn, server: Server) -> None:
    emptied.health = [{"status": "red", "active_shards": 1, "unassigned_shards": 4}]
    with pytest.raises(ElasticError, match="4 shards were not restored"):
        restore(server, wait(), PACE, print)


def test_both_commands_say_what_they_did(
    own: Server, elasticsearch: ElasticsearchStandIn, connection: Connection, secrets: Path
) -> None:
    arguments = [f"--url={elasticsearch.url}", f"--secrets={secrets}"]
    done = CliRunner().invoke(cli, ["elastic", "snapshot", *arguments])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("snapshot of 5 data streams, ")
    elasticsearch.state.documents.clear()
    done = CliRunner().invoke(cli, ["elastic", "restore-snapshot", *arguments])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("1 log lines of 5 data streams, ")

"""Elasticsearch and Kibana get new passwords and keys: stand-ins over real HTTP, cut off at every request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn
from tests.unit.elastic.kibana_stand_in import KibanaStandIn, serve_kibana
from vectorwatch.demo.repository import find_repository
from vectorwatch.elastic.client import Server
from vectorwatch.elastic.connection import Connection
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.logins import LOGINS, SUPERUSER, SUPERUSER_SECRET
from vectorwatch.elastic.retention import Retention
from vectorwatch.elastic.rotation import encrypt_anew, refuse_old
from vectorwatch.elastic.setup import set_up
from vectorwatch.elastic.streams import name_streams
from vectorwatch.elastic.waiting import Patience
from vectorwatch.errors import VectorwatchError

DEFINITIONS = Definitions.read(find_repository() / "elasticsearch", Retention.read("14d", "20GB"))
USERS = {SUPERUSER: SUPERUSER_SECRET} | {login.user: login.secret for login in LOGINS}


class CutOffError(Exception):
    """Stands for the end of the process."""


def run(connection: Connection) -> list[str]:
    patience = Patience(30, lambda _: None, pause_seconds=0.01, login_seconds=0)
    return list(set_up(connection, DEFINITIONS, name_streams("default"), patience))


@pytest.fixture
def rotated(connection: Connection, secrets: Path) -> Connection:
    """A server with all the old passwords, and files with the new ones."""
    run(connection)
    for secret in USERS.values():
        path = secrets / secret
        (secrets / f".previous.{secret}").write_text(path.read_text())
        path.write_text(f"new-{path.read_text()}")
    return connection


def read_wanted(secrets: Path) -> dict[str, str]:
    return {user: (secrets / secret).read_text() for user, secret in USERS.items()}


def test_everybody_gets_the_new_one(
    rotated: Connection, elasticsearch: ElasticsearchStandIn, secrets: Path
) -> None:
    said = run(rotated)
    assert elasticsearch.state.passwords == read_wanted(secrets)
    assert len([line for line in said if "password" in line]) == len(USERS)
    assert len(list(refuse_old(rotated))) == len(USERS)


@pytest.mark.parametrize("request_number", range(66))
def test_a_run_that_was_cut_off_is_finished_by_the_next(
    rotated: Connection,
    elasticsearch: ElasticsearchStandIn,
    secrets: Path,
    monkeypatch: pytest.MonkeyPatch,
    request_number: int,
) -> None:
    asked = 0
    send = Server.send

    def stop(server: Server, *arguments: object, **more: object) -> object:
        nonlocal asked
        answer = send(server, *arguments, **more)  # type: ignore[arg-type]
        asked += 1
        if asked > request_number:
            raise CutOffError  # it was done, and nobody heard of it
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Server, "send", stop)
        try:
            run(rotated)
        except CutOffError:
            pass
        else:
            assert request_number > 30, "nothing was cut off"
    run(rotated)
    assert elasticsearch.state.passwords == read_wanted(secrets)
    list(refuse_old(rotated))


def test_who_has_chosen_another_keeps_it(rotated: Connection, elasticsearch: ElasticsearchStandIn) -> None:
    elasticsearch.state.passwords["vectorwatch"] = "a person's"
    run(rotated)
    assert elasticsearch.state.passwords["vectorwatch"] == "a person's"
    assert [line for line in refuse_old(rotated) if "somebody has chosen another" in line]


def test_a_superuser_who_knows_neither_is_explained(
    rotated: Connection, elasticsearch: ElasticsearchStandIn
) -> None:
    elasticsearch.state.passwords["elastic"] = "a third"
    with pytest.raises(VectorwatchError, match="does not accept the password of"):
        run(rotated)
    assert elasticsearch.state.passwords["elastic"] == "a third"


def test_an_old_one_that_is_still_taken_is_told(rotated: Connection) -> None:
    with pytest.raises(VectorwatchError, match=r"still takes the password of before of elastic"):
        list(refuse_old(rotated))


@pytest.fixture
def kibana(secrets: Path) -> Iterator[KibanaStandIn]:
    with serve_kibana() as stand_in:
        stand_in.password = (secrets / SUPERUSER_SECRET).read_text()
        yield stand_in


def test_kibana_encrypts_anew(kibana: KibanaStandIn, secrets: Path) -> None:
    assert encrypt_anew(kibana.url, secrets) == "encryption_key: Kibana has encrypted 0 of 0 objects anew"


def test_what_kibana_could_not_encrypt_anew_is_told(kibana: KibanaStandIn, secrets: Path) -> None:
    answer = {"total": 3, "successful": 1, "failed": 2}
    kibana.refusals["/api/encrypted_saved_objects/_rotate_key"] = [(200, answer)]
    with pytest.raises(VectorwatchError, match=r"could not encrypt 2 of its objects anew"):
        encrypt_anew(kibana.url, secrets)

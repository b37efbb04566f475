"""What people read when a server cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn, Refusal
from vectorwatch.elastic.client import ElasticError, LoginError, NotReadyError, Server
from vectorwatch.elastic.connection import Connection
from vectorwatch.errors import ConfigError


@pytest.fixture
def server(connection: Connection) -> Iterator[Server]:
    with connection.open("elastic", "first") as server:
        yield server


def test_an_absent_thing_is_an_empty_object_where_that_is_allowed(server: Server) -> None:
    assert server.get("/_ilm/policy/none", absent=(404,)) == {}
    with pytest.raises(
        ElasticError, match="refuses GET /_ilm/policy/none with 404: Lifecycle policy not found"
    ):
        server.get("/_ilm/policy/none")


def test_deleting_what_is_gone_is_no_error(server: Server) -> None:
    assert server.delete("/gone") == {}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_told_from_one_that_refuses(
    server: Server, elasticsearch: ElasticsearchStandIn, status: int
) -> None:
    elasticsearch.refusals = [Refusal("GET /", status, reason="too many requests")]
    with pytest.raises(NotReadyError, match=rf"is not ready: GET / gave {status} \(too many requests\)"):
        server.get("/")


def test_an_unknown_password_names_the_user_and_not_the_password(
    connection: Connection,
) -> None:
    with (
        connection.open("elastic", "hunter2") as wrong,
        pytest.raises(LoginError, match="does not accept the password of elastic") as caught,
    ):
        wrong.get("/")
    assert "hunter2" not in str(caught.value)


def test_nobody_there_is_worth_waiting_for(free_port: Callable[[], int]) -> None:
    with (
        Server("Kibana", f"http://127.0.0.1:{free_port()}") as kibana,
        pytest.raises(NotReadyError, match="does not answer"),
    ):
        kibana.get("/api/status")


def test_a_server_that_closes_without_an_answer_is_worth_waiting_for(
    raw_server: Callable[..., int],
) -> None:
    for scheme in ("http", "https"):
        with (
            Server("Kibana", f"{scheme}://127.0.0.1:{raw_server(b'')}") as kibana,
            pytest.raises(NotReadyError, match="does not answer"),
        ):
            kibana.get("/")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "something that is no JSON object"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "leads on to /login"),
        (b'HTTP/1.1 400 Bad\r\nContent-Length: 17\r\n\r\n{"message":"why"}', "with 400: why"),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", "with 400: without a reason"),
    ],
)
def test_an_answer_that_cannot_be_used_is_described(
    raw_server: Callable[..., int], content: bytes, said: str
) -> None:
    with (
        Server("Kibana", f"http://127.0.0.1:{raw_server(content)}") as kibana,
        pytest.raises(ElasticError, match=said) as caught,
    ):
        kibana.get("/")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "elasticsearch:9200", "ftp://x", "https://", "https://u:secret@x", "http://x:99999"]
)
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match="write it like https://elasticsearch:PORT") as caught:
        Server("Elasticsearch", url)
    assert "secret" not in str(caught.value)


def test_a_file_of_authorities_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*/none\.crt: no such file"):
        Server("Elasticsearch", "https://x", ca_file=tmp_path / "none.crt")
    (tmp_path / "bad.crt").write_text("no certificate")
    with pytest.raises(ConfigError, match="holds no certificate in PEM"):
        Server("Elasticsearch", "https://x", ca_file=tmp_path / "bad.crt")

from __future__ import annotations

import json
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.logs.pipeline.model import ROOT
from tests.smoke.images.elasticsearch.documents import Documents
from tests.smoke.images.elasticsearch.elasticsearch import Node
from tests.smoke.images.logstash.inputs import make_tls
from tests.smoke.images.logstash.output import Output
from tests.smoke.images.logstash.plan import Plan, PlanError, read_plan
from tests.smoke.images.logstash.queue import Queue, insist
from tests.unit.elastic.elasticsearch_stand_in import State, serve

_PASSWORD = {"LOGSTASH_WRITER_PASSWORD": "pen"}


def _read(folder: str = "main") -> Plan:
    return read_plan(sorted((ROOT / "logstash" / "pipeline" / folder).glob("*.conf")), _PASSWORD)


def test_both_pipelines_are_understood() -> None:
    main, dead_letters = _read(), _read("dead_letters")
    assert list(main.inputs) == ["beats", "http", "tcp"]
    assert main.output["password"] == "pen"
    assert ("drop_health_checks", "drop") in main.filters
    assert ("redact", "ruby") in main.filters
    assert dead_letters.output["id"] == "elasticsearch_dead_letters"


@pytest.mark.parametrize(
    "text",
    [
        'filter { grok { id => "a" } }',
        'filter { drop { id => "a" percentage => 40 } }',
        'filter { if [a] =~ "b" { drop { id => "a" } } }',
        'output { file { path => "/a" } }',
        'output { elasticsearch { password => "${NO_SUCH_VARIABLE}" } }',
    ],
)
def test_what_it_does_not_do_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "one.conf"
    path.write_text(text)
    with pytest.raises(PlanError):
        read_plan([path], {})


def test_what_was_not_done_is_in_the_queue_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "queue" / "main.sqlite"
    queue = Queue(path)
    queue.put([{"fields": {"message": str(number)}} for number in range(3)])
    (first, _), *_ = queue.read(2)
    queue.forget([first])
    queue.close()
    again = Queue(path)
    assert [event["fields"]["message"] for _, event in again.read(10)] == ["1", "2"]
    assert len(again) == 2
    again.close()


def test_a_full_disk_ends_no_pipeline() -> None:
    answers: list[Exception | None] = [sqlite3.OperationalError("database or disk is full"), None]

    def change() -> None:
        if error := answers.pop(0):
            raise error

    insist(change, wait_seconds=0)
    assert answers == []


def test_who_has_no_certificate_cannot_send(certificates: Callable[[str], Path]) -> None:
    text = json.dumps(dict(_read().inputs["beats"]))
    options = json.loads(text.replace("/run/secrets", str(certificates(""))))
    server = make_tls(options)
    client = ssl.create_default_context(cafile=certificates("ca.crt"))
    assert "certificate" in _shake_hands(server, client)
    client.load_cert_chain(certificates("client.crt"), certificates("client.key"))
    assert _shake_hands(server, client) == ""


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """Return why the server refuses, empty when it does not."""
    ours, theirs = socket.socketpair()
    said: list[str] = []

    def accept() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as connection:
                connection.sendall(b"x")
        except ssl.SSLError as error:
            said.append(str(error))

    thread = threading.Thread(target=accept)
    thread.start()
    # The server says why.
    with suppress(OSError), client.wrap_socket(ours, server_hostname="localhost") as connection:
        connection.recv(1)
    ours.close()
    thread.join(30)
    theirs.close()
    return "".join(said)


@pytest.fixture
def node(tmp_path: Path, certificates: Callable[[str], Path]) -> Iterator[Node]:
    """An Elasticsearch whose writer may write application logs alone."""
    made = Node(State({"elastic": "secret", "logstash_writer": "pen"}))
    made.documents = Documents(tmp_path / "node.sqlite")
    made.state.index_templates["logs"] = {"index_patterns": ["logs-*"]}
    made.state.users["logstash_writer"] = {"roles": ["writer"]}
    entry = {"names": ["logs-application-*"], "privileges": ["create_doc"]}
    made.state.roles["writer"] = {"cluster": [], "indices": [entry]}
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates("server.crt"), certificates("server.key"))
    with serve(made, tls):
        yield made
    made.documents.close()


def test_documents_are_stored_once_and_what_is_refused_comes_back(
    node: Node, certificates: Callable[[str], Path]
) -> None:
    options = {
        **_read().output,
        "hosts": [node.url],
        "ssl_certificate_authorities": [str(certificates("ca.crt"))],
    }
    output = Output(options)
    fields = {"@timestamp": "2026-01-01T00:00:00Z"}
    good, bad = (
        {"fields": fields, "metadata": {"index": f"logs-{dataset}-default", "id": "1"}}
        for dataset in ("application", "security")
    )
    [(event, reason)] = output.send([good, good, bad])
    output.close()
    assert event is bad
    assert "may not write" in reason
    assert output.documents == {"successes": 1, "non_retryable_failures": 1, "dlq_routed": 1}
    assert node.documents.search(["logs-application-default"], {})["hits"]["total"]["value"] == 1

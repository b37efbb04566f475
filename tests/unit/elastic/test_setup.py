"""`vectorwatch elastic setup-elasticsearch` against the stand-in, over real HTTPS."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from tests.conftest import Program
from tests.unit.elastic import elasticsearch_stand_in
from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn, Refusal, serve
from vectorwatch.cli import cli
from vectorwatch.demo.repository import find_repository
from vectorwatch.elastic.client import ElasticError
from vectorwatch.elastic.connection import Connection
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.logins import LOGINS
from vectorwatch.elastic.retention import Retention
from vectorwatch.elastic.setup import set_up
from vectorwatch.elastic.streams import name_streams
from vectorwatch.elastic.waiting import Patience
from vectorwatch.errors import ConfigError, VectorwatchError

DEFINITIONS = find_repository() / "elasticsearch"
STREAMS = name_streams("default")
Run = Callable[..., list[str]]


def read(time: str = "14d", size: str = "20GB") -> Definitions:
    return Definitions.read(DEFINITIONS, Retention.read(time, size))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def run(connection: Connection, said: list[str]) -> Run:
    """Run the set-up; what it said is in `said` even if it raises."""

    note = said.append

    def call(
        definitions: Definitions | None = None,
        *,
        connection: Connection = connection,
        seconds: float = 30,
        login_seconds: float = 0,
    ) -> list[str]:
        said.clear()
        patience = Patience(seconds, note, pause_seconds=0.01, login_seconds=login_seconds)
        for line in set_up(connection, definitions or read(), STREAMS, patience):
            note(line)
        return said

    return call


def test_a_new_server_gets_everything(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    assert all(line.endswith((": created", " is ready", "got its password", ": unchanged")) for line in run())
    state = elasticsearch.state
    assert state.policies.keys() == {"vectorwatch-logs"}
    assert state.component_templates.keys() == {"vectorwatch-logs-mappings", "vectorwatch-logs-settings"}
    assert state.index_templates.keys() == {"vectorwatch-logs"}
    assert state.streams.keys() == set(STREAMS)
    assert state.roles.keys() == {role for login in LOGINS for role in login.roles}


def test_everybody_can_log_in_afterwards(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    assert elasticsearch.state.passwords == {
        "elastic": "first",
        **{login.user: f"of-{login.user}" for login in LOGINS},
    }


def test_a_second_run_changes_nothing(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    elasticsearch.requests.clear()
    assert all(line.endswith((": unchanged", " is ready")) for line in run())
    assert elasticsearch.writes == []


def test_a_password_that_no_longer_fits_is_set_again(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    elasticsearch.state.passwords["grafana_reader"] = "another"
    elasticsearch.requests.clear()
    assert "user grafana_reader: got its password again" in run()
    assert elasticsearch.writes == ["POST /_security/user/grafana_reader/_password"]
    assert elasticsearch.state.passwords["grafana_reader"] == "of-grafana_reader"


def test_a_password_that_a_person_chose_stays(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    elasticsearch.state.passwords["vectorwatch"] = "my own"
    assert "user vectorwatch: unchanged" in run()
    assert elasticsearch.state.passwords["vectorwatch"] == "my own"


def test_a_role_with_one_more_privilege_is_corrected(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    elasticsearch.state.roles["logstash_writer"]["indices"][0]["privileges"].append("all")
    assert "role logstash_writer: updated" in run()
    role = elasticsearch.state.roles["logstash_writer"]
    assert role["indices"][0]["privileges"] == ["auto_configure", "create_doc"]


def test_a_disabled_user_is_enabled_and_keeps_its_password(
    run: Run, elasticsearch: ElasticsearchStandIn
) -> None:
    run()
    elasticsearch.state.users["logs_exporter"]["enabled"] = False
    assert "user logs_exporter: updated" in run()
    assert elasticsearch.state.users["logs_exporter"]["enabled"] is True
    assert elasticsearch.state.passwords["logs_exporter"] == "of-logs_exporter"


def test_the_settings_of_env_reach_the_lifecycle(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    assert "lifecycle vectorwatch-logs: updated" in run(read("30d", "50GB"))
    phases = elasticsearch.state.policies["vectorwatch-logs"]["policy"]["phases"]
    assert phases["delete"]["min_age"] == "30d"
    assert phases["hot"]["actions"]["rollover"] == {"max_age": "1d", "max_primary_shard_size": "5gb"}


def test_streams_are_rolled_over_when_their_template_changed(
    run: Run, elasticsearch: ElasticsearchStandIn
) -> None:
    run()
    changed = read()
    mappings = changed.component_templates["vectorwatch-logs-mappings"]
    mappings["_meta"] = {"mark": "next"}
    mappings["template"]["mappings"]["_meta"] = {"mark": "next"}
    changed = Definitions(
        changed.component_templates, changed.index_templates, changed.lifecycles, changed.roles, "next"
    )
    lines = run(changed)
    assert "component template vectorwatch-logs-mappings: updated" in lines
    assert sum("rolled over" in line for line in lines) == len(STREAMS)
    assert all(len(stream["indices"]) == 2 for stream in elasticsearch.state.streams.values())
    assert not any("rolled over" in line for line in run(changed))


def test_a_stream_of_another_template_is_left_alone(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    elasticsearch.state.streams["logs-application-theirs"] = {
        "name": "logs-application-theirs",
        "template": "theirs",
        "indices": [{"index_name": ".ds-logs-application-theirs-2026.01.01-000001"}],
    }
    assert "data stream logs-application-theirs: left alone, for it belongs to template theirs" in run()


@pytest.mark.parametrize(
    "part", ["/_ilm", "/_index_template", "/_security/role/log_retention", "/_data_stream"]
)
def test_what_fails_half_way_is_said_and_the_next_run_finishes(
    run: Run, elasticsearch: ElasticsearchStandIn, part: str
) -> None:
    elasticsearch.refusals = [Refusal(f"PUT {part}", 500, reason="disk on fire")]
    with pytest.raises(ElasticError, match=rf"refuses PUT {part}\S* with 500: disk on fire"):
        run()
    run()
    elasticsearch.requests.clear()
    run()
    assert elasticsearch.writes == []


def test_a_roll_over_that_failed_is_made_up_for(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    run()
    for index in elasticsearch.state.indices.values():
        index["mappings"] = {}
    elasticsearch.refusals = [Refusal("POST /logs-security-default/_rollover", 500)]
    with pytest.raises(ElasticError):
        run()
    assert sum("rolled over" in line for line in run()) == 3


def test_a_server_that_is_too_busy_is_asked_again(
    run: Run, elasticsearch: ElasticsearchStandIn, said: list[str]
) -> None:
    elasticsearch.refusals = [Refusal("PUT /_security/role", 503, times=3, reason="index unavailable")]
    run()
    waiting = [line for line in said if line.startswith("waiting, ")]
    assert len(waiting) == 1
    assert (
        "is not ready: PUT /_security/role/elasticsearch_exporter gave 503 (index unavailable)" in waiting[0]
    )


def test_a_server_that_starts_slowly_is_waited_for(
    secrets: Path, tls: ssl.SSLContext, run: Run, free_port: Callable[[], int], said: list[str]
) -> None:
    port = free_port()
    connection = Connection(f"https://localhost:{port}", secrets)
    done = threading.Event()

    def start_later() -> None:
        while not said and not done.wait(0.01):
            pass
        with serve(ElasticsearchStandIn.with_password("first"), tls, port=port):
            done.wait(60)

    thread = threading.Thread(target=start_later)
    thread.start()
    try:
        run(connection=connection)
    finally:
        done.set()
        thread.join()
    assert said[0].startswith("waiting, ")
    assert "does not answer" in said[0]
    assert "data stream logs-alerts-default: created" in said


def test_a_server_that_never_comes_is_given_up_with_the_reason(
    secrets: Path, run: Run, free_port: Callable[[], int]
) -> None:
    connection = Connection(f"https://localhost:{free_port()}", secrets)
    with pytest.raises(
        ElasticError, match=r"does not answer \(.*refused.*given up after 0.2 s.*run this again"
    ):
        run(connection=connection, seconds=0.2)


def test_a_volume_with_another_password_is_named_with_both_ways_out(
    run: Run, elasticsearch: ElasticsearchStandIn
) -> None:
    elasticsearch.state.passwords["elastic"] = "of an earlier volume"
    with pytest.raises(ElasticError) as caught:
        run()
    said = str(caught.value)
    assert "its data volume was initialised with another password" in said
    assert "elasticsearch-reset-password --url https://localhost:9200 -u elastic -i" in said
    assert "docker volume rm vectorwatch_elasticsearch_data" in said
    assert "\n" not in said


def test_a_password_may_take_a_moment_to_be_known(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    elasticsearch.refusals = [Refusal("GET /", 401, times=2)]
    assert "is ready" in run(login_seconds=30)[1]


def test_a_certificate_of_another_authority_is_no_reason_to_wait(
    run: Run, secrets: Path, elasticsearch: ElasticsearchStandIn
) -> None:
    trustme.CA().cert_pem.write_to_path(secrets / "ca.crt")
    with pytest.raises(ElasticError, match="certificate that is not trusted"):
        run()


def test_http_behind_an_https_address_is_named(secrets: Path, run: Run) -> None:
    with serve(ElasticsearchStandIn.with_password("first")) as plain:
        connection = Connection(plain.url.replace("http:", "https:"), secrets)
        with pytest.raises(ElasticError, match="does not speak TLS as expected"):
            run(connection=connection)


def test_another_server_is_not_taken_for_elasticsearch(run: Run, elasticsearch: ElasticsearchStandIn) -> None:
    elasticsearch.tagline = "The OpenSearch Project: https://opensearch.org/"
    with pytest.raises(ElasticError, match="answers, but not as Elasticsearch"):
        run()


def test_a_version_without_data_stream_options_is_refused(
    run: Run, elasticsearch: ElasticsearchStandIn
) -> None:
    elasticsearch.version = "8.19.2"
    with pytest.raises(ElasticError, match=r"is version 8\.19\.2; 9\.1 or newer is needed"):
        run()


def test_a_missing_password_file_is_named_before_anything_is_asked(
    run: Run, secrets: Path, elasticsearch: ElasticsearchStandIn
) -> None:
    (secrets / "logs_exporter_password").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*/logs_exporter_password: no such file"):
        run()
    assert elasticsearch.requests == []


def test_a_broken_definition_is_named_with_its_line(tmp_path: Path) -> None:
    for name in ("component-templates", "index-templates", "lifecycle", "roles"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.json").write_text('{\n "a": 1,\n}')
    with pytest.raises(ConfigError, match=r"component-templates/x\.json:3: not valid JSON"):
        Definitions.read(tmp_path, Retention.read("14d", "20GB"))


def test_the_command_says_each_line_and_ends_with_an_error_if_something_is_wrong(
    secrets: Path, elasticsearch: ElasticsearchStandIn
) -> None:
    arguments = ["elastic", "setup-elasticsearch", f"--url={elasticsearch.url}", f"--secrets={secrets}"]
    arguments += [f"--definitions={DEFINITIONS}"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert "user vectorwatch: created" in done.output
    wrong = CliRunner().invoke(cli, [*arguments, "--size=20"])
    assert isinstance(wrong.exception, VectorwatchError)
    assert str(wrong.exception) == "LOGS_RETENTION_SIZE: `20` cannot be used; write 1GB or more, such as 20GB"


def test_a_password_made_anew_does_not_open_an_old_volume(
    tmp_path: Path,
    authority: trustme.CA,
    secrets: Path,
    run: Run,
    free_port: Callable[[], int],
    start_program: Callable[..., Program],
    end_gently: Callable[[subprocess.Popen[bytes]], None],
) -> None:
    """The stand-in as a program, as an image is started, twice with one data folder."""
    folder = tmp_path / "home" / "config" / "secrets"
    folder.mkdir(parents=True)
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "server.crt")
    port = free_port()
    environ = {
        "ES_HOME": str(tmp_path / "home"),
        "ELASTIC_PASSWORD_FILE": str(secrets / "elastic_password"),
        "http.port": str(port),
        "xpack.security.http.ssl.key": "secrets/server.key",
        "xpack.security.http.ssl.certificate": "secrets/server.crt",
    }
    connection = Connection(f"https://localhost:{port}", secrets)

    def start() -> Program:
        argv = [sys.executable, elasticsearch_stand_in.__file__]
        return start_program(argv, ready=lambda: is_open(port), env=environ)

    program = start()
    run(connection=connection)
    end_gently(program.process)
    program = start()
    assert all(line.endswith((": unchanged", " is ready")) for line in run(connection=connection))
    end_gently(program.process)
    (secrets / "elastic_password").write_text("made anew")
    start()
    with pytest.raises(ElasticError, match="data volume was initialised with another password"):
        run(connection=connection)


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0

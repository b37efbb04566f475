from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.errors import VectorwatchError
from vectorwatch.setup.certificate import Pair, explain_unfit
from vectorwatch.setup.keyring import KEYRINGS
from vectorwatch.setup.service import make_shipper_files, prepare, show
from vectorwatch.setup.volume import Chown


@pytest.fixture
def as_oneself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all secrets belong to the user of the tests, to whom they stay when they are given away here."""
    own = tuple(replace(keyring, uid=os.getuid()) for keyring in KEYRINGS)
    monkeypatch.setattr("vectorwatch.setup.service.KEYRINGS", own)


def run(secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown) -> list[str]:
    return list(prepare(secrets, checkout, lists, data, chown=chown))


def test_each_part_is_one_line(secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown) -> None:
    assert run(secrets, checkout, lists, data, chown) == [
        "setup: certificate_authority: complete; signed ca.crt",
        "setup: elastic_setup: created elastic_password, kibana_system_password, kibana_user_password,"
        " logstash_writer_password, grafana_reader_password, log_retention_password, log_snapshot_password,"
        " logs_exporter_password, elasticsearch_exporter_password; handed over ca.crt",
        "setup: alertmanager: created alertmanager_password; handed over slack_url, web.yml, webhook_url",
        "setup: prometheus: created prometheus_password; handed over alertmanager_password, web.yml",
        "setup: status: complete; handed over prometheus_password",
        "setup: grafana: created admin_password, secret_key; handed over alertmanager_password,"
        " elasticsearch_ca.crt, elasticsearch_password, prometheus_password",
        "setup: elasticsearch: complete; signed server.crt; handed over ca.crt, elastic_password",
        "setup: kibana: created encryption_key, previous_encryption_key; handed over ca.crt,"
        " kibana_system_password",
        "setup: logstash: complete; signed server.crt; handed over ca.crt, logstash_writer_password",
        "setup: filebeat: complete; signed client.crt; handed over ca.crt",
        "setup: log_retention: complete; handed over ca.crt, log_retention_password",
        "setup: log_snapshot: complete; handed over ca.crt, log_snapshot_password",
        "setup: logs_exporter: complete; handed over ca.crt, logs_exporter_password",
        "setup: elasticsearch_exporter: complete; handed over ca.crt, elasticsearch_exporter_password",
        "setup: jaeger: data folder ready",
        "setup: elasticsearch_snapshots: data folder ready",
        "setup: lists of the profiles: ready",
    ]


def test_the_profiles_of_the_last_time_are_forgotten(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown, owners: Any
) -> None:
    (lists / "qdrant.yml").write_text("- targets: [qdrant:6333]\n")
    run(secrets, checkout, lists, data, chown)
    assert list(lists.iterdir()) == []
    assert owners.given["lists"] == (0, 10001)
    assert stat.S_IMODE(lists.stat().st_mode) == 0o775


def test_jaeger_is_given_its_volume_which_a_new_one_is_not(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown, owners: Any
) -> None:
    run(secrets, checkout, lists, data, chown)
    assert owners.given["jaeger"] == (10001, 10001)


def test_a_volume_that_is_not_mounted_is_one_line(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    (data / "jaeger").rmdir()
    with pytest.raises(VectorwatchError, match=r"^setup: jaeger: no volume at \S+ \(No such file"):
        run(secrets, checkout, lists, data, chown)


def test_the_logins_are_shown_when_there_are_any(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    before = list(show(secrets))
    assert before[0].startswith("grafana: no password yet; start the stack")
    assert len(before) == 5
    run(secrets, checkout, lists, data, chown)
    grafana, kibana, elasticsearch, prometheus, alertmanager = show(secrets)
    password = (secrets / "grafana" / "admin_password").read_text()
    assert grafana == f"grafana: user admin, password {password} (until you change it there)"
    password = (secrets / "elastic_setup" / "kibana_user_password").read_text()
    assert kibana == f"kibana: user vectorwatch, password {password} (until you change it there)"
    password = (secrets / "elastic_setup" / "elastic_password").read_text()
    assert elasticsearch.startswith(f"elasticsearch: user elastic, password {password} (for emergencies")
    for line, server in ((prometheus, "prometheus"), (alertmanager, "alertmanager")):
        password = (secrets / server / f"{server}_password").read_text()
        assert line == f"{server}: user vectorwatch, password {password} (asked for with WEB_LOGIN=1 in .env)"


def test_every_keyring_says_where_its_secrets_come_from(repository: Path) -> None:
    for keyring in KEYRINGS:
        assert keyring.random or keyring.copied or keyring.shared or keyring.certificate
        assert all((repository / folder).is_dir() for folder in keyring.copied)


@pytest.mark.usefixtures("as_oneself")
def test_volumes_from_before_the_log_half_keep_what_they_hold_and_get_the_rest(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    run(secrets, checkout, lists, data, chown)
    kept = (secrets / "grafana" / "admin_password").read_bytes()
    for keyring in KEYRINGS:
        if keyring.service not in ("grafana", "alertmanager"):
            shutil.rmtree(secrets / keyring.service)
            (secrets / keyring.service).mkdir()
    for name in ("elasticsearch_ca.crt", "elasticsearch_password"):
        (secrets / "grafana" / name).unlink()
    said = run(secrets, checkout, lists, data, chown)
    assert "setup: grafana: complete; handed over elasticsearch_ca.crt, elasticsearch_password" in said
    assert (secrets / "grafana" / "admin_password").read_bytes() == kept


def test_what_is_shared_belongs_to_a_keyring_that_comes_before() -> None:
    owned: set[str] = set()
    for keyring in KEYRINGS:
        assert {*keyring.shared.values()} <= owned
        owned |= {f"{keyring.service}/{name}" for name in (*keyring.random, *keyring.signed)}


@pytest.mark.usefixtures("as_oneself")
def test_a_password_that_two_need_is_the_same_for_both_and_a_damaged_copy_is_mended(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    run(secrets, checkout, lists, data, chown)
    copy = secrets / "logstash" / "logstash_writer_password"
    kept = (secrets / "elastic_setup" / "logstash_writer_password").read_bytes()
    assert copy.read_bytes() == kept
    copy.chmod(0o600)
    copy.write_text("cut")
    said = run(secrets, checkout, lists, data, chown)
    assert "setup: logstash: complete; handed over logstash_writer_password" in said
    assert copy.read_bytes() == kept


@pytest.mark.usefixtures("as_oneself")
def test_a_password_that_was_lost_comes_back_from_a_copy_because_elasticsearch_still_knows_it(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    run(secrets, checkout, lists, data, chown)
    kept = (secrets / "elastic_setup" / "elastic_password").read_bytes()
    shutil.rmtree(secrets / "elastic_setup")
    (secrets / "elastic_setup").mkdir()
    said = run(secrets, checkout, lists, data, chown)
    # The user of Kibana has no copy: nobody but a person reads that one.
    assert said[1].startswith("setup: elastic_setup: created kibana_user_password; took elastic_password, ")
    assert (secrets / "elastic_setup" / "elastic_password").read_bytes() == kept
    assert "setup: elasticsearch: complete" in said


@pytest.mark.usefixtures("as_oneself")
def test_a_second_run_changes_nothing(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()}

    run(secrets, checkout, lists, data, chown)
    before = contents()
    said = run(secrets, checkout, lists, data, chown)
    assert contents() == before
    assert said[: len(KEYRINGS)] == [f"setup: {keyring.service}: complete" for keyring in KEYRINGS]


@pytest.mark.usefixtures("as_oneself")
def test_another_name_of_the_machine_gives_its_servers_other_certificates(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    run(secrets, checkout, lists, data, chown)
    said = list(prepare(secrets, checkout, lists, data, "watch.example.net", chown))
    anew = "signed server.crt anew, because it was for other names (docs/how-to/configure.md, Certificates)"
    assert f"setup: logstash: complete; {anew}" in said
    assert "setup: filebeat: complete" in said


def test_a_name_that_is_none_stops_it_before_anything_is_written(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    for host in ("http://watch.example.net", "watch.example.net:3000", "-x", ""):
        with pytest.raises(
            VectorwatchError, match=f"^setup: PUBLIC_HOST={host} is neither a name nor an addr"
        ):
            list(prepare(secrets, checkout, lists, data, host, chown))
    assert not [path for path in secrets.rglob("*") if path.is_file()]


def test_a_filebeat_elsewhere_gets_all_that_it_needs_and_no_key_of_ours(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    with pytest.raises(VectorwatchError, match=r"^shipper-files: no authority yet; start the stack first"):
        make_shipper_files(secrets, checkout, "watch.example.net", 5044, "web-1")
    run(secrets, checkout, lists, data, chown)
    for name in ("", "x" * 65):
        with pytest.raises(VectorwatchError, match=r"^shipper-files: a name has 1 to 64 characters, not"):
            make_shipper_files(secrets, checkout, "watch.example.net", 15044, name)
    archive = make_shipper_files(secrets, checkout, "watch.example.net", 15044, "web-1")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: (member.mode, tar.extractfile(member).read()) for member in tar}  # type: ignore[union-attr]
    assert {name: mode for name, (mode, _) in files.items()} == {
        "filebeat/filebeat.yml": 0o600,
        "filebeat/ca.crt": 0o644,
        "filebeat/client.crt": 0o644,
        "filebeat/client.key": 0o600,
    }
    assert files["filebeat/filebeat.yml"][1] == b"output.logstash.hosts: ['watch.example.net:15044']\n"
    authority = Pair(files["filebeat/ca.crt"][1], (secrets / "certificate_authority" / "ca.key").read_bytes())
    pair = Pair(files["filebeat/client.crt"][1], files["filebeat/client.key"][1])
    assert explain_unfit(pair, authority) == ""
    assert pair.key != (secrets / "filebeat" / "client.key").read_bytes()


def test_the_archive_goes_to_where_it_is_sent_and_says_what_it_is_good_for(
    vectorwatch_command: list[str], secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    run(secrets, checkout, lists, data, chown)
    places = ["--secrets", str(secrets), "--checkout", str(checkout)]
    done = subprocess.run(
        [*vectorwatch_command, "shipper-files", *places, "web-1"], capture_output=True, timeout=60
    )
    assert done.returncode == 0
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert len(tar.getnames()) == 4
    first, second = done.stderr.decode().splitlines()
    assert first == "shipper-files: sends to 127.0.0.1:5044"
    assert second.startswith("shipper-files: that is each host itself; set PUBLIC_HOST and BIND_ADDRESS")


def test_an_example_that_sends_elsewhere_is_one_line(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown
) -> None:
    run(secrets, checkout, lists, data, chown)
    example = checkout / "filebeat/host/filebeat.yml"
    example.write_text("output.console: {}\n")
    with pytest.raises(
        VectorwatchError, match=r"filebeat/host/filebeat.yml does not send to monitoring\.exam"
    ):
        make_shipper_files(secrets, checkout, "watch.example.net", 5044, "web-1")
    example.unlink()
    with pytest.raises(VectorwatchError, match=r"filebeat/host/filebeat.yml: No such file"):
        make_shipper_files(secrets, checkout, "watch.example.net", 5044, "web-1")


@pytest.fixture
def repository() -> Path:
    return Path(__file__).parents[3]


def test_the_command_ends_with_one_line_when_it_cannot(
    vectorwatch_command: list[str], secrets: Path, checkout: Path, lists: Path, data: Path
) -> None:
    (checkout / "prometheus" / "prometheus.yml").chmod(0o600)
    places = ["--secrets", secrets, "--checkout", checkout, "--lists", lists, "--data", data]
    done = subprocess.run(
        [*vectorwatch_command, "setup", *map(str, places)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("setup: the services run as users of their own and cannot read prom")
    assert list((secrets / "grafana").iterdir()) == []


def test_caddy_gets_the_logins_where_it_has_a_volume(
    secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown, owners: Any
) -> None:
    (secrets / "caddy").mkdir()
    (data / "caddy").mkdir()
    assert "setup: caddy: complete" in run(secrets, checkout, lists, data, chown)
    for server in ("prometheus", "alertmanager"):
        password = (secrets / server / f"{server}_password").read_text()
        login = (secrets / "caddy" / f"{server}_login").read_bytes()
        assert login == b64encode(f"vectorwatch:{password}".encode())
    assert owners.given["caddy"] == (10001, 10001)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vectorwatch.setup.fill import fill
from vectorwatch.setup.keyring import KEYRINGS, Keyring
from vectorwatch.setup.volume import Chown, SecretsVolume

GRAFANA = Keyring("grafana", 472, random=("admin_password", "secret_key"))
ALERTMANAGER = Keyring("alertmanager", 65534, copied=("alertmanager/defaults", "alertmanager/secrets"))


@pytest.fixture
def grafana(secrets: Path, chown: Chown, uid: int) -> SecretsVolume:
    return SecretsVolume(secrets / "grafana", uid, chown)


@pytest.fixture
def alertmanager(secrets: Path, chown: Chown, uid: int) -> SecretsVolume:
    return SecretsVolume(secrets / "alertmanager", uid, chown)


@pytest.fixture
def uid() -> int:
    """The user of the tests: a file that is given away here stays its own."""
    return os.getuid()


def contents(volume: SecretsVolume) -> dict[str, bytes]:
    return {name: volume.read(name) for name in volume.names()}


def test_the_first_run_creates_all_and_the_second_changes_nothing(
    grafana: SecretsVolume, checkout: Path
) -> None:
    assert fill(grafana, GRAFANA, checkout) == "setup: grafana: created admin_password, secret_key"
    before = contents(grafana)
    assert fill(grafana, GRAFANA, checkout) == "setup: grafana: complete"
    assert contents(grafana) == before


def test_an_interrupted_run_is_finished_and_what_was_whole_is_kept(
    grafana: SecretsVolume, checkout: Path, secrets: Path
) -> None:
    fill(grafana, GRAFANA, checkout)
    kept = grafana.read("admin_password")
    (secrets / "grafana" / ".format").unlink()
    (secrets / "grafana" / "secret_key").unlink()
    assert fill(grafana, GRAFANA, checkout) == (
        "setup: grafana: an earlier set-up was interrupted; kept admin_password, created secret_key"
    )
    assert grafana.read("admin_password") == kept


def test_a_secret_that_vanished_is_made_anew_and_it_says_what_follows(
    grafana: SecretsVolume, checkout: Path, secrets: Path
) -> None:
    fill(grafana, GRAFANA, checkout)
    (secrets / "grafana" / "secret_key").chmod(0o600)
    (secrets / "grafana" / "secret_key").write_text("")
    assert fill(grafana, GRAFANA, checkout).startswith(
        "setup: grafana: created secret_key, which had vanished; a service that ran before still knows"
    )


def test_a_volume_of_an_earlier_version_is_brought_up_and_loses_nothing(
    grafana: SecretsVolume, checkout: Path, secrets: Path
) -> None:
    older = Keyring("grafana", 472, random=("admin_password",))
    fill(grafana, older, checkout)
    kept = grafana.read("admin_password")
    (secrets / "grafana" / ".format").chmod(0o600)
    (secrets / "grafana" / ".format").write_text("0")
    assert fill(grafana, GRAFANA, checkout) == (
        "setup: grafana: the volume is of an earlier version (0) and was brought to 1; created secret_key"
    )
    assert (grafana.read("admin_password"), grafana.format) == (kept, 1)


def test_without_a_file_of_the_users_the_default_is_handed_over(
    alertmanager: SecretsVolume, checkout: Path
) -> None:
    line = fill(alertmanager, ALERTMANAGER, checkout)
    assert line == "setup: alertmanager: complete; handed over slack_url, webhook_url"
    assert contents(alertmanager)["slack_url"] == b"http://inbox:9446/slack\n"


def test_the_users_file_takes_the_place_of_the_default_and_gives_it_back(
    alertmanager: SecretsVolume, checkout: Path
) -> None:
    fill(alertmanager, ALERTMANAGER, checkout)
    own = checkout / "alertmanager" / "secrets" / "slack_url"
    own.write_text("https://hooks.slack.example/T/B/x\n")
    assert (
        fill(alertmanager, ALERTMANAGER, checkout) == "setup: alertmanager: complete; handed over slack_url"
    )
    assert alertmanager.read("slack_url") == b"https://hooks.slack.example/T/B/x\n"
    own.unlink()
    fill(alertmanager, ALERTMANAGER, checkout)
    assert alertmanager.read("slack_url") == b"http://inbox:9446/slack\n"


def test_an_empty_file_of_the_users_is_not_handed_over(alertmanager: SecretsVolume, checkout: Path) -> None:
    (checkout / "alertmanager" / "secrets" / "slack_url").write_text("")
    fill(alertmanager, ALERTMANAGER, checkout)
    assert alertmanager.read("slack_url") == b"http://inbox:9446/slack\n"


def test_what_the_user_takes_back_is_taken_from_the_service(
    alertmanager: SecretsVolume, checkout: Path
) -> None:
    own = checkout / "alertmanager" / "secrets" / "smtp_password"
    own.write_text("hunter2")
    fill(alertmanager, ALERTMANAGER, checkout)
    own.unlink()
    line = fill(alertmanager, ALERTMANAGER, checkout)
    assert line == "setup: alertmanager: complete; handed over smtp_password (removed)"
    assert "smtp_password" not in contents(alertmanager)


def test_no_line_holds_a_secret(grafana: SecretsVolume, alertmanager: SecretsVolume, checkout: Path) -> None:
    (checkout / "alertmanager" / "secrets" / "smtp_password").write_text("hunter2")
    said = fill(grafana, GRAFANA, checkout) + fill(alertmanager, ALERTMANAGER, checkout)
    assert "hunter2" not in said
    assert grafana.read("admin_password").decode() not in said


def test_one_slack_url_of_the_users_serves_the_channels_that_have_none(
    alertmanager: SecretsVolume, checkout: Path
) -> None:
    [keyring] = [one for one in KEYRINGS if one.service == "alertmanager"]
    for name in keyring.stand_ins:
        (checkout / "alertmanager" / "defaults" / name).write_text("http://inbox:9446/slack\n")
    fill(alertmanager, keyring, checkout)
    assert contents(alertmanager)["slack_on_call_url"] == b"http://inbox:9446/slack\n"
    secrets = checkout / "alertmanager" / "secrets"
    (secrets / "slack_url").write_text("https://hooks.slack.example/all")
    (secrets / "slack_info_url").write_text("https://hooks.slack.example/info")
    fill(alertmanager, keyring, checkout)
    handed = contents(alertmanager)
    assert handed["slack_on_call_url"] == b"https://hooks.slack.example/all"
    assert handed["slack_info_url"] == b"https://hooks.slack.example/info"
    (secrets / "slack_url").unlink()
    fill(alertmanager, keyring, checkout)
    assert contents(alertmanager)["slack_on_call_url"] == b"http://inbox:9446/slack\n"

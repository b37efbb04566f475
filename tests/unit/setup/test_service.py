from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.errors import VectorwatchError
from vectorwatch.setup.keyring import KEYRINGS
from vectorwatch.setup.service import prepare, show
from vectorwatch.setup.volume import Chown


def run(secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown) -> list[str]:
    return list(prepare(secrets, checkout, lists, data, chown))


def test_each_part_is_one_line(secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown) -> None:
    assert run(secrets, checkout, lists, data, chown) == [
        "setup: grafana: created admin_password, secret_key",
        "setup: alertmanager: complete; handed over slack_url, webhook_url",
        "setup: jaeger: data folder ready",
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
    [before] = show(secrets)
    assert before.startswith("grafana: no password yet; start the stack")
    run(secrets, checkout, lists, data, chown)
    [line] = show(secrets)
    password = (secrets / "grafana" / "admin_password").read_text()
    assert line == f"grafana: user admin, password {password} (until you change it there)"


def test_every_keyring_says_where_its_secrets_come_from(repository: Path) -> None:
    for keyring in KEYRINGS:
        assert keyring.random or keyring.copied
        assert all((repository / folder).is_dir() for folder in keyring.copied)


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

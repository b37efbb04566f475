"""A checkout and volumes as `setup` sees them, and files given away as root gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectorwatch.setup.keyring import KEYRINGS
from vectorwatch.setup.volume import Chown, SecretsVolume

UID = 472


class Owners:
    """Who got which file. Root alone may give files away, and tests need not run as root."""

    def __init__(self) -> None:
        self.given: dict[str, tuple[int, int]] = {}

    def chown(self, path: Path, uid: int, gid: int) -> None:
        self.given[path.name] = (uid, gid)


@pytest.fixture
def owners() -> Owners:
    return Owners()


@pytest.fixture
def chown(owners: Owners) -> Chown:
    return owners.chown


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for keyring in KEYRINGS:
        (tmp_path / "secrets" / keyring.service).mkdir(parents=True)
    return tmp_path / "secrets"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    return tmp_path / "lists"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("jaeger", "elasticsearch_snapshots"):
        (tmp_path / "data" / name).mkdir(parents=True)
    return tmp_path / "data"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    files = {
        "alertmanager/alertmanager.yml": "route: {}\n",
        "alertmanager/defaults/slack_url": "http://inbox:9446/slack\n",
        "alertmanager/defaults/webhook_url": "http://inbox:9446/webhook\n",
        "alertmanager/secrets/.gitignore": "*\n",
        "prometheus/prometheus.yml": "global: {}\n",
        "filebeat/host/filebeat.yml": "output.logstash.hosts: ['monitoring.example.com:5044']\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o644)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    return folder


@pytest.fixture
def open_volume(tmp_path: Path, owners: Owners) -> Callable[[], SecretsVolume]:
    folder = tmp_path / "grafana"
    folder.mkdir()
    return lambda: SecretsVolume(folder, UID, owners.chown)

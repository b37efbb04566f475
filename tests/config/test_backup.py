"""Every volume is in the backup, or has its reason here why not."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.backup.volumes import find_filled_by_restore
from vectorwatch.errors import VectorwatchError

from .compose import Render

LEFT_OUT: Mapping[str, str] = {
    "elasticsearch_data": "Elastic supports no copy of its files; its snapshot is in elasticsearch_snapshots",
    "filebeat_data": "how far it has read files of this machine, by inode: wrong on another one",
    "docker_socket": "sockets of a program that runs",
    "container_names": "made anew all the time",
    "textfiles": "figures of programs of this machine; the next backup writes its own anew",
    "log_files": "log files of applications, which are theirs",
    "profile_targets": "made by `setup` at each start",
    "prometheus_rules": "made by `setup` at each start",
    "grafana_dashboards": "made by `setup` at each start",
    "qdrant_data": "of the demo",
    "dragonfly_data": "of the demo",
    "demo_app_data": "of the demo",
}
PLACE = "/volumes/"


@pytest.fixture(scope="module", params=["alone", "with caddy/"])
def project(render: Render, repository: Path, request: pytest.FixtureRequest) -> Any:
    if request.param == "alone":
        return render()
    return render(("*",), repository / "caddy" / "docker-compose.yml")


def mounts(project: Any, service: str) -> Mapping[str, Mapping[str, Any]]:
    return {
        place["source"]: place
        for place in project["services"][service]["volumes"]
        if place["target"].startswith(PLACE)
    }


def test_every_volume_is_in_the_backup_or_has_a_reason(project: Any) -> None:
    assert mounts(project, "backup").keys() | LEFT_OUT.keys() == project["volumes"].keys()
    assert not mounts(project, "backup").keys() & LEFT_OUT.keys()


def test_what_is_backed_up_is_restored_to_the_same_place(project: Any) -> None:
    read, written = mounts(project, "backup"), mounts(project, "restore")
    assert read.keys() == written.keys()
    for name in read:
        assert read[name]["target"] == written[name]["target"] == PLACE + name
        assert read[name]["read_only"]
        assert not written[name].get("read_only")


def test_whoever_writes_to_what_is_copied_is_paused(project: Any, repository: Path) -> None:
    copied = mounts(project, "backup")
    writers = {
        name
        for name, service in project["services"].items()
        for place in service.get("volumes", [])
        if place["source"] in copied and not place.get("read_only")
    } - {"setup", "restore", "elasticsearch"}  # who is told to make a snapshot, and then makes none
    (line,) = (
        line
        for line in (repository / "scripts" / "backup").read_text(encoding="utf-8").splitlines()
        if line.startswith("writers=")
    )
    listed, services = set(line.partition('"')[2].strip('" ').split()), project["services"].keys()
    assert listed & services == writers
    assert listed - services <= {"caddy"}  # which is there with its overlay alone


def test_what_a_restore_fills_is_named_as_docker_names_it(project: Any) -> None:
    filled = find_filled_by_restore(json.dumps(project).encode())
    assert filled.keys() == {*mounts(project, "restore"), "elasticsearch_data"}
    assert all(name == f"vectorwatch_{volume}" for volume, name in filled.items())
    with pytest.raises(VectorwatchError, match="says nothing usable"):
        find_filled_by_restore(b"{}")


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("restore", (), "restore: which archive? make restore FROM="),
        ("restore", ("nowhere.tar.gz",), "restore: nowhere.tar.gz is no file that can be read"),
    ],
)
def test_what_cannot_be_restored_is_one_line(
    repository: Path, script: str, arguments: tuple[str, ...], words: str
) -> None:
    done = subprocess.run(
        [repository / "scripts" / script, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert done.stderr.count("\n") == 1


def test_keep_must_be_a_number(repository: Path) -> None:
    done = subprocess.run(
        [repository / "scripts" / "backup"],
        env={**os.environ, "KEEP": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("backup: KEEP=0 is no number of archives")


def test_an_archive_that_is_not_what_its_checksum_says_is_refused(repository: Path, tmp_path: Path) -> None:
    archive = tmp_path / "vectorwatch.tar.gz"
    archive.write_bytes(b"changed")
    archive.with_name(archive.name + ".sha256").write_text(f"{'0' * 64}  {archive.name}\n")
    done = subprocess.run(
        [repository / "scripts" / "restore", archive], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("restore: damaged: ")


DOCKER = """#!/bin/sh
case "$*" in
  *" config --images backup") echo vectorwatch/vectorwatch:1 ;;
  "compose --profile backup config") echo "name: mine" ;;
  "image inspect "*) ;;
  "ps --quiet --filter label=com.docker.compose.project=mine "*"service=$BUSY") echo 0123 ;;
  "ps --quiet --filter "* | "rm --force "* | *" backup backup record") ;;
  *) echo "not expected: $*" >&2; exit 99 ;;
esac
"""


@pytest.mark.parametrize(
    ("place", "busy", "words"),
    [
        ("/proc/self", "", "backup: /proc/self cannot be written to; name another folder with TO="),
        ("backups", "log-snapshot", "backup: another backup is under way (container 0123); this one"),
    ],
)
def test_a_backup_that_cannot_be_made_is_one_line_and_not_a_wait(
    repository: Path, tmp_path: Path, place: str, busy: str, words: str
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    done = subprocess.run(
        [repository / "scripts" / "backup", tmp_path / place],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "BUSY": busy},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(words)
    assert not list(tmp_path.glob("backups/.*"))


RESTORING = """#!/bin/sh
case "$*" in
  *" config --images backup") echo vectorwatch/vectorwatch:1 ;;
  "image inspect "*) ;;
  "run "*" backup check") echo textfiles ;;
  "run "*" backup files") cat {here}/files.tar ;;
  *" config --volumes") [ -f docker-compose.override.yml ] && echo textfiles ;;
  *" config --format json") echo {{}} ;;
  "run "*" backup volumes") cat >/dev/null ;;
  *" ps --quiet") ;;
  *) echo "not expected: $*" >&2; exit 99 ;;
esac
"""
OWN = {
    "docker-compose.override.yml": "services: {}\n",
    "prometheus/targets/qdrant.yml": "- targets: [mine:6333]\n",
}


@pytest.fixture
def restore(repository: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the script, up to its first change, in a clone where an archive's override is missing."""
    clone = tmp_path / "clone"
    (clone / "scripts").mkdir(parents=True)
    for name in ("restore", "settings"):
        shutil.copy(repository / "scripts" / name, clone / "scripts")
    (clone / "prometheus" / "targets").mkdir(parents=True)
    (clone / "prometheus" / "targets" / "qdrant.yml").write_text("# nothing yet\n")
    git = [shutil.which("git") or "git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "first"]):
        subprocess.run([*git, *words], cwd=clone, check=True)
    with tarfile.open(tmp_path / "files.tar", "w") as tar:
        for name, text in OWN.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    archive = tmp_path / "vectorwatch.tar.gz"
    archive.touch()
    (tmp_path / "docker").write_text(RESTORING.format(here=tmp_path), encoding="utf-8")
    (tmp_path / "docker").chmod(0o755)

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [clone / "scripts" / "restore", archive],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "DRY_RUN": "1", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_an_override_counts_before_it_is_restored_and_goes_again(
    restore: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = restore(KEEP_FILES="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "would write 1 files: docker-compose.override.yml" in done.stdout
    assert not (tmp_path / "clone" / "docker-compose.override.yml").exists()


def test_a_file_that_git_has_gives_way_and_one_that_was_changed_does_not(
    restore: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = restore()
    assert (done.returncode, done.stderr) == (0, "")
    assert "would write 2 files: " in done.stdout
    (tmp_path / "clone" / "prometheus" / "targets" / "qdrant.yml").write_text("# mine\n")
    done = restore()
    assert done.returncode == 1
    assert done.stderr.startswith(
        "restore: these files here are not the archive's: prometheus/targets/qdrant.yml;"
    )

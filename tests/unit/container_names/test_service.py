"""The command as Compose runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
ID = "ab" * 32


@pytest.fixture
def containers(tmp_path: Path) -> Path:
    folder = tmp_path / "containers"
    folder.mkdir()
    return folder


@pytest.fixture
def command(vectorwatch_command: Sequence[str], containers: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "out").mkdir()
    options = {"containers": containers, "out": tmp_path / "out", "heartbeat": tmp_path / "heartbeat"}
    return [
        *vectorwatch_command,
        "container-names",
        *(word for name, path in options.items() for word in (f"--{name}", str(path))),
    ]


def add(containers: Path, container_id: str, name: str) -> None:
    folder = containers / container_id
    folder.mkdir()
    document = {
        "ID": container_id,
        "Name": f"/{name}",
        "Config": {"Image": "x", "Env": ["KEY=do-not-copy-me"]},
    }
    (folder / "config.v2.json").write_text(json.dumps(document))


def test_it_keeps_the_list_until_it_is_ended(
    command: Sequence[str],
    containers: Path,
    tmp_path: Path,
    start_program: Start,
    poll: Callable[..., None],
    end_gently: Callable[..., None],
) -> None:
    add(containers, ID, "first")
    program = start_program(command, ready=(tmp_path / "heartbeat").exists)
    path = tmp_path / "out" / "names.json"
    assert json.loads(path.read_text()) == {ID: {"name": "first", "image": "x"}}
    add(containers, "cd" * 32, "second")
    poll(lambda: "second" in path.read_text(), "the new container is on the list")
    beat = (tmp_path / "heartbeat").stat().st_mtime_ns
    poll(lambda: (tmp_path / "heartbeat").stat().st_mtime_ns > beat, "the heart goes on beating")
    end_gently(program.process)
    lines = [json.loads(line) for line in program.text().splitlines()]
    assert {line["service"]["name"] for line in lines} == {"container-names"}
    assert "do-not-copy-me" not in program.text() + path.read_text()


def test_a_folder_without_containers_is_remarked_once(
    command: Sequence[str], tmp_path: Path, start_program: Start, poll: Callable[..., None]
) -> None:
    program = start_program(command, ready=(tmp_path / "heartbeat").exists)
    beat = (tmp_path / "heartbeat").stat().st_mtime_ns
    poll(lambda: (tmp_path / "heartbeat").stat().st_mtime_ns > beat, "a second look")
    warnings = [line for line in program.text().splitlines() if json.loads(line)["log.level"] == "warning"]
    assert len(warnings) == 1
    assert "DOCKER_ROOT" in warnings[0]


def test_a_folder_that_is_not_there_is_one_line_and_an_exit_code(
    command: Sequence[str], containers: Path
) -> None:
    containers.rmdir()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"container-names: {containers}: no such file or directory; set `DOCKER_ROOT`")


def test_a_heartbeat_that_cannot_be_written_is_one_line(command: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "heartbeat").symlink_to(tmp_path / "no-such-folder" / "heartbeat")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        f"cannot write {tmp_path / 'heartbeat'}: no such file or directory\n",
    )

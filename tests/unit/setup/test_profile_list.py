from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.errors import VectorwatchError
from vectorwatch.setup.profile_list import keep

Start = Callable[..., Any]
LIST = "- targets: [qdrant:6333]\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    folder.mkdir()
    (folder / "qdrant.yml").write_text(LIST)
    return folder


@pytest.fixture
def start(
    vectorwatch_command: Sequence[str], start_program: Start, source: Path, lists: Path, tmp_path: Path
) -> Callable[[], subprocess.Popen[bytes]]:
    heartbeat = tmp_path / "heartbeat"
    options = ["--source", str(source), "--lists", str(lists), "--heartbeat", str(heartbeat)]

    def run() -> subprocess.Popen[bytes]:
        program = start_program([*vectorwatch_command, "keep-targets", *options], ready=heartbeat.exists)
        process: subprocess.Popen[bytes] = program.process
        return process

    return run


def test_the_list_is_there_while_the_profile_runs_and_gone_after_it(
    start: Start, lists: Path, end_gently: Callable[..., None]
) -> None:
    process = start()
    assert (lists / "qdrant.yml").read_text() == LIST
    (lists / "gpu.yml").write_text("- targets: [gpu-exporter:9445]\n")
    end_gently(process)
    assert [path.name for path in lists.iterdir()] == ["gpu.yml"]


def test_a_list_that_vanishes_comes_back(start: Start, lists: Path, poll: Callable[..., None]) -> None:
    start()
    (lists / "qdrant.yml").unlink()
    poll((lists / "qdrant.yml").exists, "the list is there again")
    assert (lists / "qdrant.yml").read_text() == LIST


def test_a_list_that_is_right_is_not_written_again(
    start: Start, lists: Path, tmp_path: Path, poll: Callable[..., None]
) -> None:
    start()
    written = (lists / "qdrant.yml").stat().st_mtime_ns
    (tmp_path / "heartbeat").unlink()
    poll((tmp_path / "heartbeat").exists, "it has looked again")
    assert (lists / "qdrant.yml").stat().st_mtime_ns == written


def test_a_profile_without_lists_is_one_line(tmp_path: Path, lists: Path) -> None:
    with pytest.raises(VectorwatchError, match="holds no list"):
        keep(tmp_path / "nothing", lists, tmp_path / "heartbeat")


def test_lists_that_cannot_be_written_are_one_line(source: Path, tmp_path: Path) -> None:
    with pytest.raises(
        VectorwatchError, match=r"cannot write .*missing.*`docker compose up` mends its rights"
    ):
        keep(source, tmp_path / "missing", tmp_path / "heartbeat")

"""The process: its start, its end, and what is still there after it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from qdrant_client import models

from .conftest import Engine, StartEngine, make_point


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vectorwatch.demo.engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _fill(engine: Engine) -> None:
    client = engine.connect()
    client.create_collection(
        "kept \n#", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    client.create_payload_index(
        "kept \n#", "n", models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, range=True)
    )
    points = [make_point(n, [n, 1], {"n": n}) for n in range(100)]
    client.upsert("kept \n#", points)
    client.delete("kept \n#", [3])
    create = models.CreateAlias(collection_name="kept \n#", alias_name="also")
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])
    rules = models.StrictModeConfig(enabled=True, max_query_limit=50)
    client.update_collection("kept \n#", strict_mode_config=rules)
    client.close()


@pytest.mark.parametrize("kill", [False, True], ids=["SIGTERM", "SIGKILL"])
def test_everything_acknowledged_is_there_after_a_restart(
    start_engine: StartEngine, tmp_path: Path, kill: bool
) -> None:
    engine = start_engine(tmp_path)
    _fill(engine)
    before = httpx.get(f"{engine.url}/collections/also", trust_env=False, timeout=60).json()["result"]
    engine.restart(kill=kill)
    after = httpx.get(f"{engine.url}/collections/also", trust_env=False, timeout=60).json()["result"]
    assert after == before
    client = engine.connect()
    assert client.count("also").count == 99
    assert client.retrieve("also", [3]) == []
    (found,) = client.query_points("also", query=[1.0, 0.0], limit=1).points
    assert (found.id, found.payload) == (99, {"n": 99})
    client.close()


def test_sigterm_ends_soon_and_with_success_even_while_clients_stay(
    start_engine: StartEngine, tmp_path: Path, end_gently: Callable[..., None]
) -> None:
    engine = start_engine(tmp_path)
    _fill(engine)
    with engine.http() as idle:
        idle.get("/collections").raise_for_status()
        end_gently(engine.process)


def test_it_logs_as_all_our_programs_do(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    lines = [json.loads(line) for line in engine.log.read_text().splitlines()]
    assert {line["service"]["name"] for line in lines} == {"qdrant"}


def test_taken_port_is_one_line_and_exit_1(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    port = engine.url.rpartition(":")[2]
    done = _run("--port", port, "--data", str(tmp_path / "other"))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"engine: cannot listen on 127.0.0.1:{port}: address already in use;"
        " stop what listens there or pass another --port"
    ]


def test_data_folder_in_use_is_one_line_and_exit_1(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    done = _run("--port", "0", "--data", str(engine.data))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"engine: another server uses `{engine.data}`; stop it or pass another --data"
    ]


def _absent(folder: Path) -> Path:
    return folder / "absent"


def _empty(folder: Path) -> Path:
    (folder / "empty").write_text(" \n")
    return folder / "empty"


def _binary(folder: Path) -> Path:
    (folder / "binary").write_bytes(b"\xff\xfe")
    return folder / "binary"


@pytest.mark.parametrize(
    ("make", "words"),
    [(_absent, "No such file or directory"), (_empty, "is empty"), (_binary, "not UTF-8")],
    ids=["absent", "empty", "binary"],
)
def test_unusable_key_file_is_one_line_and_exit_2(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    done = _run("--port", "0", "--data", str(tmp_path / "data"), "--api-key-file", str(make(tmp_path)))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--api-key-file" in done.stderr
    assert words in done.stderr


def test_data_path_that_is_a_file_is_one_line_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = _run("--port", "0", "--data", str(tmp_path / "file"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "data folder" in done.stderr


def test_impossible_port_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = _run("--port", "70000", "--data", str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_half_created_collection_is_forgotten_at_start(start_engine: StartEngine, tmp_path: Path) -> None:
    (tmp_path / "data" / "collections" / "half" / "shard-1").mkdir(parents=True)
    engine = start_engine(tmp_path)
    listed = httpx.get(f"{engine.url}/collections", trust_env=False, timeout=60).json()["result"]
    assert listed == {"collections": []}
    assert list((tmp_path / "data" / "collections").iterdir()) == []

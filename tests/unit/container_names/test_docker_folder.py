from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.container_names import docker_folder
from vectorwatch.container_names.docker_folder import FILE, DockerFolder
from vectorwatch.errors import VectorwatchError

RECORDED = Path(__file__).parent / "fixtures" / "docker-28.5"
ID = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "containers"
    path.mkdir()
    return path


def describe(**changes: Any) -> dict[str, Any]:
    configuration = {
        "Image": "registry.example/qdrant",
        "Env": ["QDRANT__SERVICE__API_KEY=do-not-copy-me"],
        "Labels": {
            "com.docker.compose.project": "vectorwatch",
            "com.docker.compose.service": "qdrant",
            "secret": "do-not-copy-me",
        },
    }
    return {"ID": ID, "Name": "/vectorwatch-qdrant-1", "Config": configuration, **changes}


def put(folder: Path, document: object, container_id: str = ID) -> Path:
    path = folder / container_id / FILE
    path.parent.mkdir(exist_ok=True)
    scratch = path.with_suffix(".scratch")
    scratch.write_text(document if isinstance(document, str) else json.dumps(document))
    scratch.replace(path)  # as Docker does
    return path


def test_a_container_has_a_name_an_image_and_what_compose_calls_it(folder: Path) -> None:
    put(folder, describe())
    assert DockerFolder(folder).read() == {
        ID: {
            "name": "vectorwatch-qdrant-1",
            "image": "registry.example/qdrant",
            "project": "vectorwatch",
            "service": "qdrant",
        }
    }


@pytest.mark.parametrize("labels", [None, {}, {"other": "x"}, {"com.docker.compose.project": ""}])
def test_a_container_without_compose_has_the_first_two_alone(folder: Path, labels: object) -> None:
    put(folder, describe(Config={"Image": "busybox", "Labels": labels}))
    assert DockerFolder(folder).read() == {ID: {"name": "vectorwatch-qdrant-1", "image": "busybox"}}


def test_nothing_else_of_the_file_is_kept(folder: Path) -> None:
    put(folder, describe())
    reader = DockerFolder(folder)
    assert "do-not-copy-me" not in repr(reader.read())
    assert "do-not-copy-me" not in repr(vars(reader))


def test_what_docker_wrote_is_read(folder: Path) -> None:
    shutil.copytree(RECORDED, folder, dirs_exist_ok=True)
    names = DockerFolder(folder).read()
    assert sorted(found["name"] for found in names.values()) == ["plain", "shop-api-1"]
    [of_compose] = [found for found in names.values() if "project" in found]
    assert (of_compose["project"], of_compose["service"]) == ("shop", "api")


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "[" * 100_000,
        {"ID": ID},
        describe(Config=None),
        describe(Config={"Labels": {}}),
        describe(Config={"Image": "x", "Labels": ["a"]}) | {"Name": None, "ID": "cd" * 32},
        describe(ID="cd" * 32),
    ],
)
def test_a_file_that_describes_no_container_costs_its_name_alone(folder: Path, document: object) -> None:
    put(folder, document)
    put(folder, describe(ID="ef" * 32), "ef" * 32)
    assert list(DockerFolder(folder).read()) == ["ef" * 32]


def test_other_folders_and_half_made_ones_are_passed_over(folder: Path) -> None:
    put(folder, describe(), "not-an-id")
    (folder / ID).mkdir()
    assert DockerFolder(folder).read() == {}


def test_a_file_that_is_too_long_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_folder, "_MOST_BYTES", 100)
    put(folder, describe())
    assert DockerFolder(folder).read() == {}


def test_names_are_bounded(folder: Path) -> None:
    put(folder, describe(Name="/" + "n" * 10_000))
    assert len(DockerFolder(folder).read()[ID]["name"]) == 256


def test_a_new_name_is_seen_and_a_removed_container_is_not(folder: Path) -> None:
    path = put(folder, describe())
    reader = DockerFolder(folder)
    reader.read()
    put(folder, describe(Name="/renamed"))
    assert reader.read()[ID]["name"] == "renamed"
    shutil.rmtree(path.parent)
    assert reader.read() == {}


def test_a_file_that_did_not_change_is_not_read_again(folder: Path) -> None:
    path = put(folder, describe())
    reader = DockerFolder(folder)
    reader.read()
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert reader.read()[ID]["name"] == "vectorwatch-qdrant-1"


def test_a_folder_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(VectorwatchError, match=r"no such file or directory; set `DOCKER_ROOT`") as caught:
        DockerFolder(tmp_path / "nowhere").read()
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_closed_is_explained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refuse)  # tests run as root, whom nothing is closed to
    with pytest.raises(VectorwatchError, match="DAC_READ_SEARCH"):
        DockerFolder(folder).read()

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.smoke.images.recipe import GoProgram, find_recipe
from tests.smoke.images.root_system import describe, pack


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder as packages leave it."""
    folder = tmp_path / "root"
    for name in ("usr/bin/prometheus", "usr/bin/busybox", "usr/share/doc/prometheus/changelog"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("content")
    (folder / "bin").symlink_to("usr/bin")
    return folder


def _members(recipe: GoProgram, root: Path) -> dict[str, tarfile.TarInfo]:
    archive = root.parent / "root.tar"
    pack(recipe, root, archive)
    with tarfile.open(archive) as tar:
        names = [member.name.removeprefix("./") for member in tar]
        assert len(names) == len(set(names)), "the engine refuses an archive that holds a path twice"
        return dict(zip(names, tar, strict=True))


def _prometheus() -> GoProgram:
    recipe = find_recipe("prom/prometheus:1")
    assert isinstance(recipe, GoProgram)
    return recipe


def test_everything_belongs_to_root_but_the_data_folder(root: Path) -> None:
    members = _members(_prometheus(), root)
    owners = {name: (member.uid, member.gid) for name, member in members.items()}
    assert owners.pop("prometheus") == (65534, 65534)
    assert set(owners.values()) == {(0, 0)}


def test_health_checks_find_a_shell_and_wget(root: Path) -> None:
    members = _members(_prometheus(), root)
    assert members["usr/bin/wget"].linkname == members["usr/bin/sh"].linkname == "busybox"


def test_documentation_is_left_out(root: Path) -> None:
    assert not [name for name in _members(_prometheus(), root) if name.startswith("usr/share/doc/")]


def test_a_program_with_another_name_gets_the_official_one(root: Path) -> None:
    recipe = find_recipe("prom/node-exporter:1")
    assert isinstance(recipe, GoProgram)
    assert _members(recipe, root)["usr/bin/node_exporter"].linkname == "/usr/bin/prometheus-node-exporter"


def test_an_image_starts_what_the_official_one_starts() -> None:
    instructions = describe(_prometheus())
    assert 'ENTRYPOINT ["/bin/prometheus"]' in instructions
    assert "USER nobody" in instructions
    assert 'VOLUME ["/prometheus"]' in instructions

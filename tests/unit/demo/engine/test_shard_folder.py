"""Copies of shard folders."""

from __future__ import annotations

from pathlib import Path

from vectorwatch.demo.engine.shard_folder import copy_shard_folder, name_shard_folder, remove_other_shards

MIB = 1 << 20


def test_copy_is_equal_byte_by_byte_and_as_sparse(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    (source / "empty").touch()
    (source / "dense").write_bytes(bytes(range(256)) * 5000)
    with (source / "inner" / "holes").open("wb") as file:
        file.truncate(40 * MIB)
        for place in (0, 10 * MIB, 32 * MIB - 3):
            file.seek(place)
            file.write(b"data")
    (source / "all hole").touch()
    with (source / "all hole").open("r+b") as file:
        file.truncate(8 * MIB)
    target = tmp_path / "target"
    copy_shard_folder(source, target)
    for path in (one for one in source.rglob("*") if one.is_file()):
        copied = target / path.relative_to(source)
        assert copied.read_bytes() == path.read_bytes()
        assert copied.stat().st_blocks <= path.stat().st_blocks + 64


def test_only_the_kept_shard_survives(tmp_path: Path) -> None:
    kept, other = name_shard_folder(tmp_path), name_shard_folder(tmp_path)
    for folder in (kept, other, tmp_path / "unrelated"):
        folder.mkdir()
    remove_other_shards(tmp_path, kept)
    assert {one.name for one in tmp_path.iterdir()} == {kept.name, "unrelated"}

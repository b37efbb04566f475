from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.dashboards.build import write
from vectorwatch.dashboards.tuned import write_tuned
from vectorwatch.errors import ConfigError, VectorwatchError
from vectorwatch.rules.thresholds import Threshold, read_thresholds

THRESHOLDS = Path(__file__).parents[3] / "prometheus" / "thresholds.yml"
NAME = "Search/hnsw.json"


@pytest.fixture
def defaults() -> Mapping[str, Threshold]:
    return read_thresholds(THRESHOLDS)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of dashboards as a checkout has it."""
    write(THRESHOLDS, tmp_path / "source")
    return tmp_path / "source"


def numbers(path: Path) -> set[float]:
    """Return every number of a threshold that is drawn on a panel."""
    panels: list[Any] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return {
        step["value"]
        for panel in panels
        if panel["type"] != "row"
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        if step["value"] is not None
    }


def test_the_numbers_of_the_user_are_drawn(
    source: Path, tmp_path: Path, defaults: Mapping[str, Threshold]
) -> None:
    name = "search_latency_seconds_critical"
    tuned = {**defaults, name: replace(defaults[name], value=7.25)}
    list(write_tuned(source, tmp_path / "out", defaults, tuned))
    assert 7.25 in numbers(tmp_path / "out" / NAME)
    assert 7.25 not in numbers(source / NAME)


def test_without_numbers_of_the_user_they_are_those_of_the_checkout(
    source: Path, tmp_path: Path, defaults: Mapping[str, Threshold]
) -> None:
    [line] = write_tuned(source, tmp_path / "out", defaults, defaults)
    files = {path.relative_to(source): path.read_bytes() for path in source.rglob("*.json")}
    out = tmp_path / "out"
    assert files == {path.relative_to(out): path.read_bytes() for path in out.rglob("*.json")}
    assert line == f"dashboards: {len(files)} files"


def test_what_the_user_edited_or_added_goes_as_it_is_and_what_is_gone_goes(
    source: Path, tmp_path: Path, defaults: Mapping[str, Threshold]
) -> None:
    out = tmp_path / "out"
    (source / "mine.json").write_text('{"uid": "mine"}', encoding="utf-8")
    (source / NAME).write_text('{"uid": "vw-hnsw"}', encoding="utf-8")
    [line] = write_tuned(source, out, defaults, defaults)
    assert line.endswith("; 1 edited by you, 1 your own")
    assert (out / "mine.json").read_text(encoding="utf-8") == '{"uid": "mine"}'
    assert (out / NAME).read_text(encoding="utf-8") == '{"uid": "vw-hnsw"}'
    (source / "mine.json").unlink()
    list(write_tuned(source, out, defaults, defaults))
    assert not (out / "mine.json").exists()


def test_a_folder_that_takes_no_files_is_one_line(
    source: Path, tmp_path: Path, defaults: Mapping[str, Threshold]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VectorwatchError, match="dashboards: cannot write"):
        list(write_tuned(source, tmp_path / "file", defaults, defaults))


def test_what_grafana_would_not_take_is_a_line_each_and_changes_nothing(
    source: Path, tmp_path: Path, defaults: Mapping[str, Threshold]
) -> None:
    (source / "binary.json").write_bytes(b"\xff")
    (source / "copy.json").write_bytes((source / NAME).read_bytes())
    (source / "folder.json").mkdir()
    (source / "list.json").write_text("[]", encoding="utf-8")
    (source / "torn.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        list(write_tuned(source, tmp_path / "out", defaults, defaults))
    no_json = "is no dashboard in JSON; mend it or take it away"
    assert error.value.problems == (
        f"grafana/dashboards/binary.json: {no_json}",
        f"grafana/dashboards/copy.json: has the uid of {NAME}; give it another",
        "grafana/dashboards/folder.json: cannot be read: Is a directory",
        f"grafana/dashboards/list.json: {no_json}",
        f"grafana/dashboards/torn.json: {no_json}",
    )
    assert not (tmp_path / "out").exists()

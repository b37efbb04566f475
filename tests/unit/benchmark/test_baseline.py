from __future__ import annotations

import json
from pathlib import Path
from random import Random
from statistics import pstdev

import pytest

from vectorwatch.benchmark.baseline import (
    Baseline,
    BaselineError,
    Folder,
    Recent,
    accept_recent,
    make_baseline,
)
from vectorwatch.benchmark.figure import Subject, are_comparable
from vectorwatch.benchmark.terminal import accept, show

SEARCH = Subject("qdrant", "qdrant:6333", "docs", "search")
GET = Subject("cache", "cache:6379", "", "get")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "benchmark")
    folder.create()
    return folder


def baseline(seconds: float = 0.01, **conditions: int) -> Baseline:
    return Baseline(seconds, 0.001, 12, 1_700_000_000.0, conditions)


def test_one_odd_run_moves_neither_the_baseline_nor_its_spread_much() -> None:
    noise = Random(3)
    runs = [0.010 + noise.gauss(0, 0.001) for _ in range(200)]
    calm = make_baseline(Recent(runs, {}), 1.0)
    assert calm.spread_seconds == pytest.approx(pstdev(runs), rel=0.2)
    odd = make_baseline(Recent([*runs[:-1], 5.0], {}), 1.0)
    assert odd.seconds == pytest.approx(calm.seconds, rel=0.01)
    assert odd.spread_seconds == pytest.approx(calm.spread_seconds, rel=0.05)


def test_what_was_accepted_is_read_again(folder: Folder) -> None:
    assert folder.read_baselines() == {}
    folder.accept({SEARCH: baseline(points=5), GET: baseline(0.002, value_bytes=10)})
    folder.accept({GET: baseline(0.003)})
    assert folder.read_baselines() == {SEARCH: baseline(points=5), GET: baseline(0.003)}


def test_the_service_replaces_no_baseline_that_a_person_accepted_meanwhile(folder: Folder) -> None:
    folder.accept({GET: baseline(0.003)})
    folder.accept({GET: baseline(0.001), SEARCH: baseline()}, only_new=True)
    assert folder.read_baselines() == {GET: baseline(0.003), SEARCH: baseline()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 2, "benchmarks": []}', "is of a newer version"),
        ('{"format": 1, "benchmarks": [{"backend": "cache"}]}', "is damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_and_stays(folder: Folder, text: str, told: str) -> None:
    folder.baseline_file.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=told) as raised:
        folder.accept({GET: baseline()})
    assert "\n" not in str(raised.value)
    assert folder.baseline_file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("seconds", [-1, "fast", None])
def test_a_number_that_is_none_is_damage(folder: Folder, seconds: object) -> None:
    folder.accept({GET: baseline()})
    document = json.loads(folder.baseline_file.read_text(encoding="utf-8"))
    document["benchmarks"][0]["seconds"] = seconds
    folder.baseline_file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(BaselineError, match="is damaged"):
        folder.read_baselines()


def test_what_cannot_be_written_leaves_the_old_file(folder: Folder) -> None:
    folder.accept({GET: baseline()})
    before = folder.baseline_file.read_bytes()
    with pytest.raises(TypeError):
        folder.accept({SEARCH: baseline(points=object())})  # type: ignore[arg-type]
    assert folder.baseline_file.read_bytes() == before
    assert [path.name for path in folder.folder.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BaselineError, match="cannot be written to"):
        Folder(tmp_path / "file").create()


def test_the_newest_figures_are_accepted_of_the_named_or_of_all(folder: Folder) -> None:
    folder.write_recent({SEARCH: Recent([0.01, 0.03, 0.02], {"points": 9}), GET: Recent([0.001], {})})
    assert accept_recent(folder, ["docs"]) == [SEARCH]
    assert set(folder.read_baselines()) == {SEARCH}
    assert folder.read_baselines()[SEARCH].seconds == 0.02
    assert accept_recent(folder) == [GET, SEARCH]
    with pytest.raises(BaselineError, match="no figures of docs2 in"):
        accept_recent(folder, ["docs2"])


def test_points_may_grow_by_half_and_nothing_else_may_change() -> None:
    assert are_comparable({"points": 100, "k": 10}, {"points": 150, "k": 10})
    assert not are_comparable({"points": 100, "k": 10}, {"points": 151, "k": 10})
    assert not are_comparable({"points": 100, "k": 10}, {"points": 60, "k": 10})
    assert not are_comparable({"points": 100, "k": 10}, {"points": 100, "k": 11})


def test_the_table_shows_now_beside_the_baseline(folder: Folder) -> None:
    folder.accept({SEARCH: baseline(0.010, points=5), GET: baseline(0.002, value_bytes=10)})
    folder.write_recent({SEARCH: Recent([0.011], {"points": 5}), GET: Recent([0.002], {"value_bytes": 20})})
    said: list[str] = []
    show(folder.folder, said.append)
    assert [line.split("  ")[0] for line in said[1:]] == ["cache:6379 get", "qdrant:6333 docs search"]
    assert "of something else: value_bytes 10 → 20" in said[1]
    assert "11.000 ms" in said[2]
    assert "+10%" in said[2]
    said.clear()
    accept(folder.folder, ["search"], said.append)
    assert said == ["accepted: qdrant:6333 docs search"]


def test_a_folder_without_figures_is_one_line(folder: Folder) -> None:
    with pytest.raises(BaselineError, match=r"no figures in .*--data"):
        show(folder.folder, print)

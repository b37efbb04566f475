from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.demo.repository import find_repository
from vectorwatch.errors import VectorwatchError


def test_the_root_is_found_from_any_folder_inside(tmp_path: Path) -> None:
    (tmp_path / "exporters" / "vectorwatch").mkdir(parents=True)
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "prometheus" / "prometheus.yml").touch()
    inside = tmp_path / "docs" / "how-to"
    inside.mkdir(parents=True)
    assert find_repository(inside) == tmp_path


def test_another_repository_with_a_prometheus_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "prometheus" / "prometheus.yml").touch()
    with pytest.raises(VectorwatchError):
        find_repository(tmp_path)


def test_outside_a_checkout_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(VectorwatchError, match="run it inside a checkout"):
        find_repository(tmp_path)


def test_this_checkout_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(__file__).is_relative_to(find_repository())

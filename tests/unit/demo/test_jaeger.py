from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.demo import stack
from vectorwatch.demo.jaeger import MISSING, find_jaeger


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_one_on_path_comes_before_the_one_that_was_built(tmp_path: Path) -> None:
    on_path = make_program(tmp_path / "bin" / "jaeger")
    built = make_program(tmp_path / "tools" / "jaeger" / "jaeger")
    assert find_jaeger(tmp_path / "tools", path=str(on_path.parent)) == on_path
    assert find_jaeger(tmp_path / "tools", path=str(tmp_path)) == built


def test_without_one_the_demo_says_so_in_a_line_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_jaeger(tmp_path, path=str(tmp_path)) is None
    monkeypatch.setattr(stack, "find_jaeger", lambda _: None)
    needs = stack.gather_needs("free")
    assert not any(name.startswith("jaeger") for name in [*needs.ports, *needs.tools])
    assert stack.explain_absent(needs, []) == [MISSING]
    assert "make jaeger" in MISSING
    with_it = stack.Needs(needs.repository, needs.ports, {"jaeger": tmp_path})
    assert stack.explain_absent(with_it, ["grafana"]) == ["demo: not part of it, so not scraped: grafana"]

from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.serve.target_list import TargetList


def refuse_spaces(address: str) -> None:
    if " " in address:
        raise ValueError("an address has no spaces")


def test_files_are_read_again_when_they_change(tmp_path: Path) -> None:
    subject = TargetList(tmp_path / "*.yml", refuse_spaces)
    assert subject.addresses() == []
    (tmp_path / "a.yml").write_text("- targets: [a:1, b:1]\n")
    assert subject.addresses() == ["a:1", "b:1"]
    (tmp_path / "b.yml").write_text("- targets: [b:1, c:1]\n- labels: {x: y}\n")
    assert subject.addresses() == ["a:1", "b:1", "c:1"]
    (tmp_path / "a.yml").unlink()
    assert subject.addresses() == ["b:1", "c:1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- targets: [good:1, null]\n", "a target is left out: `None` is not a text"),
        ("- targets: [good:1, 6333]\n", "a target is left out: `6333` is not a text"),
        ("- targets: [good:1, 'user:hunter2@ host']\n", "a target is left out: an address has no spaces"),
    ],
)
def test_what_cannot_be_used_is_said_once_and_the_rest_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    file = tmp_path / "a.yml"
    file.write_text(text)
    subject = TargetList(file, refuse_spaces)
    for _ in range(3):
        assert subject.addresses() == ["good:1"]
    assert [record.getMessage() for record in caplog.records] == [f"{file}: {said}"]
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("text", ["[", "[" * 3_000, "\x00", "a: &a [*a]", "5", "- 5", "- {targets: 5}"])
def test_garbage_is_no_target_and_no_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yml"
    file.write_text(text)
    assert TargetList(file, refuse_spaces).addresses() == []

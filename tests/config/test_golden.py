"""`make golden` writes anew what the tests record, says what changed and loses nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOM = """
from pathlib import Path
import pytest
GOLDEN = Path(__file__).parent / "golden"

@pytest.mark.parametrize("name", {names})
def test_the_golden_one(name):
    golden = GOLDEN / f"{{name}}.prom"
    if not golden.exists():
        golden.write_text("new\\n")
        pytest.fail("written")
"""


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """Two rooms: one writes its goldens anew, the other has one that no test writes."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(repository / "scripts" / "rewrite-golden", tmp_path / "scripts")
    for room, written, recorded in (
        ("a", ["same", "moved", "first"], ["same", "moved"]),
        ("b", [], ["lost"]),
    ):
        golden = tmp_path / "tests" / "unit" / room / "golden"
        golden.mkdir(parents=True)
        (golden.parent / f"test_{room}.py").write_text(ROOM.format(names=written), encoding="utf-8")
        for name in recorded:
            (golden / f"{name}.prom").write_text("new\n" if name == "same" else "old\n", encoding="utf-8")
    return tmp_path


def rewrite(checkout: Path) -> subprocess.CompletedProcess[str]:
    pytest_program = Path(sys.executable).parent / "pytest"
    return subprocess.run(
        [str(checkout / "scripts" / "rewrite-golden")],
        env={"PATH": "/usr/bin:/bin", "PYTEST": str(pytest_program)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_goldens_are_written_anew_and_changes_named(checkout: Path) -> None:
    shutil.rmtree(checkout / "tests" / "unit" / "b")
    result = rewrite(checkout)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "golden: changed  tests/unit/a/golden/moved.prom  (lines: 2)",
        "golden: new  tests/unit/a/golden/first.prom",
        "golden: 2 expositions of 1 rooms rewritten; read the diff",
    ]
    assert (checkout / "tests/unit/a/golden/moved.prom").read_text(encoding="utf-8") == "new\n"


def test_a_golden_that_no_test_writes_is_put_back_and_named(checkout: Path) -> None:
    result = rewrite(checkout)
    assert result.returncode == 1
    assert "golden: not written, so put back: tests/unit/b/golden/lost.prom" in result.stderr
    assert (checkout / "tests/unit/b/golden/lost.prom").read_text(encoding="utf-8") == "old\n"


def test_every_room_with_goldens_has_a_test_that_writes_them(repository: Path) -> None:
    rooms = {path.parent for path in (repository / "tests" / "unit").glob("*/golden")}
    assert len(rooms) >= 4
    for room in rooms:
        writers = [
            function
            for path in room.glob("test_*.py")
            if '/ "golden"' in path.read_text(encoding="utf-8")
            for function in re.split(r"(?m)^(?=(?:async )?def )", path.read_text(encoding="utf-8"))
            if "was missing and is written now" in function
        ]
        assert writers, room.name
        # The names that scripts/rewrite-golden selects.
        assert all(re.match(r"(async )?def test_\w*(golden|recorded)", writer) for writer in writers), (
            room.name
        )

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vectorwatch.demo.relocation import relocate, write_launcher

# It reads its fixed path as Debian's Alertmanager does, and says what it was started with.
PROGRAM = '#!/bin/sh\ncat /usr/share/prometheus/alertmanager/default.tmpl\necho "$@"\n'


@pytest.fixture
def toolbox(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder with spaces"
    root = folder / "packages" / "alertmanager"
    templates = root / "usr" / "share" / "prometheus" / "alertmanager"
    templates.mkdir(parents=True)
    (templates / "default.tmpl").write_text("our template\n")
    (root / "usr" / "bin").mkdir()
    program = root / "usr" / "bin" / "prometheus-alertmanager"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    relocate(program)
    write_launcher(folder / "bin" / "alertmanager", program)
    return folder


def run(*command: str | Path, cwd: Path | None = None) -> str:
    return subprocess.check_output([str(part) for part in command], cwd=cwd, text=True)


def test_a_relocated_program_reads_the_files_of_its_own_package(toolbox: Path) -> None:
    assert run(toolbox / "bin" / "alertmanager").startswith("our template\n")


def test_arguments_reach_the_program_unchanged(toolbox: Path) -> None:
    assert "a b" in run(toolbox / "bin" / "alertmanager", "a b", "$HOME")
    assert "$HOME" in run(toolbox / "bin" / "alertmanager", "a b", "$HOME")


def test_the_working_folder_stays_the_callers(toolbox: Path, tmp_path: Path) -> None:
    program = toolbox / "packages" / "alertmanager" / "usr" / "bin" / "where"
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o755)
    write_launcher(toolbox / "bin" / "where", program)
    assert run(toolbox / "bin" / "where", cwd=tmp_path).strip() == str(tmp_path)


def test_a_moved_toolbox_still_works(toolbox: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(toolbox, moved)
    assert run(moved / "bin" / "alertmanager").startswith("our template\n")


def test_a_launcher_works_through_a_link(toolbox: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(toolbox / "bin" / "alertmanager")
    assert run(link).startswith("our template\n")


def test_the_size_of_a_relocated_program_does_not_change(tmp_path: Path) -> None:
    program = tmp_path / "program"
    content = b"\x7fELF\0/usr/share/prometheus/alertmanager/ui/\0/usr/share/prometheus/web\xff"
    program.write_bytes(content)
    relocate(program)
    assert len(program.read_bytes()) == len(content)
    assert b"/usr/share/prometheus" not in program.read_bytes()


def test_a_program_without_the_path_is_not_written(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF\0/usr/share/other\xff")
    program.chmod(0o444)
    before = program.stat().st_mtime_ns
    relocate(program)
    assert program.stat().st_mtime_ns == before


def test_libraries_of_the_package_are_found_first(tmp_path: Path) -> None:
    root = tmp_path / "packages" / "redis"
    (root / "usr" / "lib" / "x86_64-linux-gnu").mkdir(parents=True)
    (root / "usr" / "lib" / "x86_64-linux-gnu" / "libtest.so.1").touch()
    (root / "usr" / "bin").mkdir()
    program = root / "usr" / "bin" / "redis-server"
    program.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH"\n')
    program.chmod(0o755)
    write_launcher(tmp_path / "bin" / "redis-server", program)
    libraries = Path(run(tmp_path / "bin" / "redis-server").strip())
    assert libraries.resolve() == root / "usr" / "lib" / "x86_64-linux-gnu"

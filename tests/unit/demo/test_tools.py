from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vectorwatch.demo import bundles
from vectorwatch.demo.tools import ToolsError, ensure_tools, main


def write_program(path: Path, told: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def test_a_program_on_the_path_is_used(bin_folder: Path, tmp_path: Path, said: list[str]) -> None:
    program = write_program(bin_folder / "promtool", "promtool, version 3.1.0 (branch: HEAD)")
    found = ensure_tools(["promtool"], tmp_path / "tools", said.append, str(bin_folder))
    assert found == {"promtool": program}
    assert said == []


def test_debians_name_of_a_program_is_known(bin_folder: Path, tmp_path: Path, said: list[str]) -> None:
    program = write_program(
        bin_folder / "prometheus-alertmanager", "alertmanager, version 0.28.1 (branch: x)"
    )
    found = ensure_tools(["alertmanager"], tmp_path / "tools", said.append, str(bin_folder))
    assert found == {"alertmanager": program}


def test_an_old_program_on_the_path_is_passed_over_and_told(
    bin_folder: Path, tmp_path: Path, said: list[str]
) -> None:
    old = write_program(bin_folder / "promtool", "promtool, version 2.42.0+ds (branch: debian/sid)")
    kept = write_program(tmp_path / "tools" / "bin" / "promtool", "promtool, version 3.5.3 (branch: x)")
    found = ensure_tools(["promtool"], tmp_path / "tools", said.append, str(bin_folder))
    assert found == {"promtool": kept}
    assert said == [f"tools: {old} is 2.42 and not used: 3.0 or newer is needed"]


def test_what_was_fetched_before_is_used_without_apt(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = write_program(tmp_path / "tools" / "bin" / "amtool", "amtool, version 0.33.1 (branch: x)")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert ensure_tools(["amtool"], tmp_path / "tools", said.append) == {"amtool": kept}


def test_without_apt_one_line_says_what_to_install(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ToolsError) as caught:
        ensure_tools(["promtool", "alertmanager"], tmp_path / "tools", said.append)
    assert str(caught.value) == (
        "tools: this machine has no apt-get, so Debian packages cannot be fetched; mend that, or install"
        " these (or newer) and put them on PATH: promtool 3.0, alertmanager 0.27"
    )
    assert caught.value.exit_code == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "tools").write_text("a file, not a folder")
    with pytest.raises(ToolsError, match=f"cannot write {tmp_path}/tools"):
        ensure_tools(["promtool"], tmp_path / "tools", said.append, path="")


def test_an_unknown_tool_is_refused_with_the_known_ones(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(
        ToolsError,
        match="unknown tool `promtol`; known are alertmanager, amtool, blackbox_exporter, docker-compose",
    ):
        ensure_tools(["promtol"], tmp_path, said.append)


def test_each_program_belongs_to_one_bundle() -> None:
    names = [name for bundle in bundles.BUNDLES for name in bundle.programs]
    assert sorted(names) == sorted(set(names)) == sorted(bundles.BUNDLE_OF)


def test_the_command_prints_paths_alone_on_stdout(tmp_path: Path) -> None:
    kept = write_program(tmp_path / "bin" / "amtool", "amtool, version 0.33.1 (branch: x)")
    done = subprocess.run(
        [sys.executable, "-m", "vectorwatch.demo.tools", "--folder", str(tmp_path), "amtool", "amtool"],
        env={"PATH": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{kept}\n{kept}\n"
    assert done.stderr == ""


def test_the_command_fails_with_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-tool"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("tools: unknown tool `no-such-tool`")
    assert output.err.count("\n") == 1


def test_the_real_tools_are_found_or_fetched_as_the_demo_does() -> None:
    """The only test that may need the mirror, once: `make test` needs these programs anyway."""
    found = ensure_tools(["prometheus", "promtool", "alertmanager", "amtool"])
    for name, program in found.items():
        version = bundles.read_version(program)
        assert version is not None
        assert version >= bundles.BUNDLE_OF[name].minimum

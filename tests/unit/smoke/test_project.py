from __future__ import annotations

from pathlib import Path

from tests.smoke.command import run
from tests.smoke.project import PORTS, copy_checkout, write_environment

_REPOSITORY = Path(__file__).parents[3]


def test_the_copy_has_what_a_clone_would_have_and_not_what_git_ignores(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "a").mkdir(parents=True)
    copy.mkdir()
    run(["git", "init", "--quiet", str(source)])
    (source / ".gitignore").write_text("/.env\n")
    (source / ".env").write_text("SECRET=1")
    (source / "a" / "mit ü.yml").write_text("new")
    (source / "a" / "run").write_text("")
    (source / "a" / "run").chmod(0o755)
    copy_checkout(source, copy)
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert found == {".gitignore", "a/mit ü.yml", "a/run"}
    assert (copy / "a" / "run").stat().st_mode & 0o111


def test_the_environment_names_the_project_and_free_ports(tmp_path: Path) -> None:
    ports = write_environment(tmp_path, "smoke-1", {"DOCKER_ROOT": "/somewhere"})
    lines = (tmp_path / ".env").read_text().splitlines()
    assert "COMPOSE_PROJECT_NAME=smoke-1" in lines
    assert "DOCKER_ROOT=/somewhere" in lines
    assert len(set(ports.values())) == len(PORTS)
    assert {f"{PORTS[service]}={port}" for service, port in ports.items()} <= set(lines)


def test_every_port_of_the_compose_file_is_made_free() -> None:
    text = (_REPOSITORY / ".env.example").read_text(encoding="utf-8")
    named = {
        line[1:].partition("=")[0] for line in text.splitlines() if line.startswith("#") and "_PORT=" in line
    }
    assert set(PORTS.values()) == named
